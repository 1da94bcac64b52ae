import type { Clock } from '../clocks';
import type { Machine } from '../machine';
import { type Check, type Finding, hasVendorNpu, info, ok, warn } from './finding';
import { hertzText } from './quantity';

/** Where a chip without a passive trip point is taken to be too hot: kernels for it throttle at 85 °C at the latest. */
const hotCelsius = 85;

/** What decides how fast captions come. */
export const speedChecks: readonly Check[] = [
  {
    id: 'npu-clock',
    title: 'NPU clock',
    applies: hasVendorNpu,
    judge: ({ clocks }) => judgeClock(clocks.npu, 'NPU'),
  },
  {
    id: 'cpu-clock',
    title: 'CPU clocks',
    judge: ({ clocks }) => judgeClocks(clocks.cpu),
  },
  {
    id: 'memory-clock',
    title: 'Memory clock',
    applies: hasVendorNpu,
    judge: ({ clocks }) => judgeClock(clocks.memory, 'memory'),
  },
  { id: 'temperature', title: 'Temperature', judge: judgeTemperature },
];

function judgeClock(clock: Clock | undefined, of: string): Finding {
  return clock === undefined ? info('not told by the kernel') : judgeSlow([clock], of);
}

function judgeClocks(clocks: readonly Clock[]): Finding {
  return clocks.length === 0 ? info('not told by the kernel') : judgeSlow(clocks, 'CPU');
}

function judgeSlow(clocks: readonly Clock[], of: string): Finding {
  const value = clocks.map(clockText).join('; ');
  if (clocks.some(({ governor }) => governor === 'powersave')) {
    return warn(
      value,
      `The governor keeps the ${of} clock at its lowest: set performance, or the system’s default.`,
    );
  }
  if (clocks.some(({ limitHz, topHz }) => limitHz !== undefined && topHz !== undefined && limitHz < topHz)) {
    return warn(value, `The ${of} clock is held below its highest: a hot chip, or a limit that was set.`);
  }
  return ok(value);
}

function clockText({ currentHz, limitHz, topHz, governor }: Clock): string {
  const top = topHz ?? limitHz;
  const now = currentHz === undefined ? '?' : hertzText(currentHz);
  const limited =
    limitHz !== undefined && top !== undefined && limitHz < top ? `, held to ${hertzText(limitHz)}` : '';
  return `${now}${top === undefined ? '' : ` of ${hertzText(top)}`}${limited}${governor === undefined ? '' : ` (${governor})`}`;
}

function judgeTemperature({ temperature }: Machine): Finding {
  if (!temperature) return info('not told by the kernel');
  const { sensor, celsius, throttlesAtCelsius } = temperature;
  const limit = throttlesAtCelsius === undefined ? '' : `, slows down from ${throttlesAtCelsius} °C`;
  const value = `${celsius.toFixed(0)} °C (${sensor}${limit})`;
  if (celsius < (throttlesAtCelsius ?? hotCelsius)) return ok(value);
  return warn(value, 'Too hot: give the board a heat sink or a fan, or ask for fewer captions.');
}
