import { defined } from '../system/defined';
import type { SystemFiles } from './recording/system-files';

/** A clock that the kernel scales. */
export interface FrequencyDomain {
  readonly currentHz?: number;
  /** Highest frequency that it may reach now. */
  readonly limitHz?: number;
  /** Highest frequency of the hardware. */
  readonly topHz?: number;
  readonly governor?: string;
}

/** The NPU's clock; undefined where the kernel does not report it. */
export function npuClock(files: SystemFiles): FrequencyDomain | undefined {
  const folder = '/sys/class/devfreq';
  const name = files
    .names(folder)
    .find((each) => each.endsWith('.npu') || /rknpu/.test(deviceCompatible(files, `${folder}/${each}`)));
  return name === undefined ? undefined : devfreqClock(files, `${folder}/${name}`);
}

/** The memory's clock, which determines the speed of the decoder; absent on some boards. */
export function memoryClock(files: SystemFiles): FrequencyDomain | undefined {
  const folder = '/sys/class/devfreq/dmc';
  return files.has(folder) ? devfreqClock(files, folder) : undefined;
}

/** A clock for each group of CPU cores that scale together: on RK3588 four small ones and two pairs of big ones. */
export function cpuClocks(files: SystemFiles): readonly FrequencyDomain[] {
  const folder = '/sys/devices/system/cpu/cpufreq';
  return files
    .names(folder)
    .filter((name) => name.startsWith('policy'))
    .map((name) => {
      // cpufreq counts in kHz, devfreq in Hz.
      const hertz = (file: string): number | undefined => scaled(number(files, `${folder}/${name}/${file}`));
      return clock(
        hertz('scaling_cur_freq'),
        hertz('scaling_max_freq'),
        hertz('cpuinfo_max_freq'),
        governorOf(files, `${folder}/${name}`),
      );
    });
}

/** Intel's and AMD's own drivers call their normal scaling `powersave`. */
function governorOf(files: SystemFiles, policy: string): string | undefined {
  const driver = files.text(`${policy}/scaling_driver`) ?? '';
  const governor = files.text(`${policy}/scaling_governor`);
  return /pstate/.test(driver) && governor === 'powersave' ? `powersave (${driver})` : governor;
}

function devfreqClock(files: SystemFiles, folder: string): FrequencyDomain {
  const available = files.text(`${folder}/available_frequencies`)?.split(/\s+/).map(Number) ?? [];
  const top = available.length === 0 ? undefined : Math.max(...available);
  return clock(
    number(files, `${folder}/cur_freq`),
    number(files, `${folder}/max_freq`),
    top,
    files.text(`${folder}/governor`),
  );
}

function clock(currentHz?: number, limitHz?: number, topHz?: number, governor?: string): FrequencyDomain {
  return defined({ currentHz, limitHz, topHz, governor });
}

function deviceCompatible(files: SystemFiles, folder: string): string {
  return files.text(`${folder}/device/of_node/compatible`) ?? files.text(`${folder}/device/uevent`) ?? '';
}

function number(files: SystemFiles, path: string): number | undefined {
  const text = files.text(path);
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

function scaled(kiloHertz: number | undefined): number | undefined {
  return kiloHertz === undefined ? undefined : kiloHertz * 1000;
}
