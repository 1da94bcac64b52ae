import { defined } from '../system/defined';
import type { SystemFiles } from './recording/system-files';

export interface Temperature {
  /** The zone's type: `npu-thermal`. */
  readonly sensor: string;
  readonly celsius: number;
  /** The kernel lowers the clocks from here on; undefined when the zone has no passive trip point. */
  readonly throttlesAtCelsius?: number;
}

/** The nearest to the NPU comes first. */
const sensors = ['npu-thermal', 'npu_thermal', 'soc-thermal', 'soc_thermal', 'x86_pkg_temp', 'cpu-thermal'];

/** The NPU's temperature, else that of the chip. */
export function chipTemperature(files: SystemFiles): Temperature | undefined {
  const folder = '/sys/class/thermal';
  const zones = files
    .names(folder)
    .filter((name) => name.startsWith('thermal_zone'))
    .map((name) => ({ zone: `${folder}/${name}`, type: files.text(`${folder}/${name}/type`) ?? '' }));
  for (const sensor of sensors) {
    const zone = zones.find(({ type }) => type === sensor)?.zone;
    const milli = zone === undefined ? undefined : files.text(`${zone}/temp`);
    if (zone === undefined || milli === undefined || !/^-?\d+$/.test(milli)) continue;
    const throttlesAtCelsius = throttlePoint(files, zone);
    return { sensor, celsius: Number(milli) / 1000, ...defined({ throttlesAtCelsius }) };
  }
  return undefined;
}

/** The lowest passive trip point, at which the kernel begins to lower the clocks. */
function throttlePoint(files: SystemFiles, zone: string): number | undefined {
  const points = files
    .names(zone)
    .map((name) => /^trip_point_(\d+)_type$/.exec(name)?.[1])
    .filter((index) => index !== undefined && files.text(`${zone}/trip_point_${index}_type`) === 'passive')
    .map((index) => Number(files.text(`${zone}/trip_point_${index}_temp`)) / 1000)
    .filter(Number.isFinite);
  return points.length === 0 ? undefined : Math.min(...points);
}
