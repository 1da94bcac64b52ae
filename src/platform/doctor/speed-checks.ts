import type { FrequencyDomain } from '../frequency-domains';
import type { Machine } from '../machine';
import { type Check, type Finding, hasVendorNpu, info, ok, warn } from './finding';
import { hertzText } from './quantity';

/** Limit for a chip without a passive trip point: its kernels throttle at 85 °C or below. */
const hotCelsius = 85;

/** What determines the speed of captions. */
export const speedChecks: readonly Check[] = [
  {
    id: 'npu-clock',
    title: 'NPU clock',
    applies: hasVendorNpu,
    judge: ({ clocks }) => judgeClocks(given(clocks.npu), 'NPU'),
  },
  {
    id: 'cpu-clock',
    title: 'CPU clocks',
    judge: ({ clocks }) => judgeClocks(clocks.cpu, 'CPU'),
  },
  {
    id: 'memory-clock',
    title: 'Memory clock',
    applies: hasVendorNpu,
    judge: ({ clocks }) => judgeClocks(given(clocks.memory), 'memory'),
  },
  { id: 'temperature', title: 'Temperature', judge: judgeTemperature },
];

function given(clock: FrequencyDomain | undefined): readonly FrequencyDomain[] {
  return clock === undefined ? [] : [clock];
}

function judgeClocks(clocks: readonly FrequencyDomain[], of: string): Finding {
  if (clocks.length === 0) return info('not reported by the kernel');
  const value = clocksText(clocks);
  if (clocks.some(({ governor }) => governor === 'powersave')) {
    return warn(
      value,
      `The governor keeps the ${of} clock at its lowest frequency: set performance, or the system’s default.`,
    );
  }
  if (clocks.some(isHeld)) {
    return warn(value, `The ${of} clock is limited below its maximum: the chip is hot, or a limit is set.`);
  }
  return ok(value);
}

function isHeld({ limitHz, topHz }: FrequencyDomain): boolean {
  return limitHz !== undefined && topHz !== undefined && limitHz < topHz;
}

/** Clocks that differ only in their current frequency are shown as one. */
function clocksText(clocks: readonly FrequencyDomain[]): string {
  const currentByRange = new Map<string, (number | undefined)[]>();
  for (const clock of clocks) {
    const range = rangeText(clock);
    currentByRange.set(range, [...(currentByRange.get(range) ?? []), clock.currentHz]);
  }
  return [...currentByRange]
    .map(
      ([range, current]) => `${current.length > 1 ? `${current.length} × ` : ''}${spanText(current)}${range}`,
    )
    .join('; ');
}

function rangeText(clock: FrequencyDomain): string {
  const top = clock.topHz ?? clock.limitHz;
  const held = isHeld(clock) && clock.limitHz !== undefined ? `, limited to ${hertzText(clock.limitHz)}` : '';
  return `${top === undefined ? '' : ` of ${hertzText(top)}`}${held}${clock.governor === undefined ? '' : ` (${clock.governor})`}`;
}

/** e.g. `408 MHz`, `408 MHz to 1.8 GHz`. */
function spanText(current: readonly (number | undefined)[]): string {
  const known = current.filter((hertz) => hertz !== undefined);
  if (known.length === 0) return '?';
  const [low, high] = [Math.min(...known), Math.max(...known)].map(hertzText);
  return low === high ? `${low}` : `${low} to ${high}`;
}

function judgeTemperature({ temperature }: Machine): Finding {
  if (!temperature) return info('not reported by the kernel');
  const { sensor, celsius, throttlesAtCelsius } = temperature;
  const limit = throttlesAtCelsius === undefined ? '' : `, throttles at ${throttlesAtCelsius} °C`;
  const value = `${celsius.toFixed(0)} °C (${sensor}${limit})`;
  if (celsius < (throttlesAtCelsius ?? hotCelsius)) return ok(value);
  return warn(value, 'Too hot: add a heat sink or a fan, or request fewer captions.');
}
