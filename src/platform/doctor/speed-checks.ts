import {
  englishText,
  type FindingPhrase,
  type FindingText,
  listed,
  phrase,
} from '../../protocol/findings/finding-phrase';
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
    judge: ({ clocks }) => judgeClocks(given(clocks.npu), phrase('npuClock')),
  },
  {
    id: 'cpu-clock',
    title: 'CPU clocks',
    judge: ({ clocks }) => judgeClocks(clocks.cpu, phrase('cpuClock')),
  },
  {
    id: 'memory-clock',
    title: 'Memory clock',
    applies: hasVendorNpu,
    judge: ({ clocks }) => judgeClocks(given(clocks.memory), phrase('memoryClock')),
  },
  { id: 'temperature', title: 'Temperature', judge: judgeTemperature },
];

function given(clock: FrequencyDomain | undefined): readonly FrequencyDomain[] {
  return clock === undefined ? [] : [clock];
}

function judgeClocks(clocks: readonly FrequencyDomain[], clock: FindingPhrase): Finding {
  if (clocks.length === 0) return info(phrase('notReported'));
  const value = clocksText(clocks);
  if (clocks.some(({ governor }) => governor === 'powersave'))
    return warn(value, phrase('clockLow', { clock }));
  if (clocks.some(isHeld)) return warn(value, phrase('clockHeld', { clock }));
  return ok(value);
}

function isHeld(clock: FrequencyDomain): clock is FrequencyDomain & { readonly limitHz: number } {
  const { limitHz, topHz } = clock;
  return limitHz !== undefined && topHz !== undefined && limitHz < topHz;
}

/** Clocks that differ only in their current frequency are shown as one. */
function clocksText(clocks: readonly FrequencyDomain[]): FindingText {
  const alike = new Map<
    string,
    { readonly clock: FrequencyDomain; readonly current: (number | undefined)[] }
  >();
  for (const clock of clocks) {
    const range = englishText(clockText('', clock));
    const { current } = alike.get(range) ?? { current: [] };
    alike.set(range, { clock, current: [...current, clock.currentHz] });
  }
  const texts = [...alike.values()].map(({ clock, current }) => {
    const span = spanText(current);
    const count = current.length;
    return clockText(count > 1 ? phrase('clockSeveral', { count, clock: span }) : span, clock);
  });
  return listed('semicolon', texts);
}

/** e.g. `408 MHz of 2.4 GHz, limited to 1.8 GHz (schedutil)`. */
function clockText(current: FindingText, clock: FrequencyDomain): FindingText {
  const { limitHz, topHz = limitHz, governor } = clock;
  let text = current;
  if (topHz !== undefined) text = phrase('clockOf', { current: text, top: hertzText(topHz) });
  if (isHeld(clock)) text = phrase('clockLimited', { clock: text, limit: hertzText(clock.limitHz) });
  return governor === undefined ? text : phrase('brackets', { what: text, detail: governor });
}

/** e.g. `408 MHz`, `408 MHz to 1.8 GHz`. */
function spanText(current: readonly (number | undefined)[]): FindingText {
  const known = current.filter((hertz) => hertz !== undefined);
  if (known.length === 0) return '?';
  const [low, high] = [hertzText(Math.min(...known)), hertzText(Math.max(...known))];
  return low === high ? low : phrase('clockSpan', { low, high });
}

function judgeTemperature({ temperature }: Machine): Finding {
  if (!temperature) return info(phrase('notReported'));
  const { sensor, celsius, throttlesAtCelsius } = temperature;
  const degrees = celsius.toFixed(0);
  const value =
    throttlesAtCelsius === undefined
      ? `${degrees} °C (${sensor})`
      : phrase('temperature', { celsius: degrees, sensor, limit: throttlesAtCelsius });
  if (celsius < (throttlesAtCelsius ?? hotCelsius)) return ok(value);
  return warn(value, phrase('tooHot'));
}
