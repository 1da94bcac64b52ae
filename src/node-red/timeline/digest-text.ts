import type { Digest } from '../../timeline/digest';
import type { Translate } from '../translate';

/** A digest in words: a line for each camera, and its last changes. @param translate looks up `digest.…` */
export function digestText({ kind, fromMs, toMs, cameras }: Digest, translate: Translate): string {
  const range = { from: shown(fromMs), to: shown(toMs) };
  if (cameras.length === 0) return translate('digest.none', range);
  const lines = cameras.flatMap(({ camera, entries, changed, firstMs, lastMs, changes }) => [
    translate('digest.camera', {
      camera,
      entries,
      changed,
      first: moment(kind, firstMs),
      last: moment(kind, lastMs),
    }),
    ...changes.map(({ timeMs, text }) => `  ${moment(kind, timeMs)} ${text}`),
  ]);
  return [translate(`digest.${kind}`, range), ...lines].join('\n');
}

function moment(kind: Digest['kind'], ms: number): string {
  return kind === 'daily' ? shown(ms).slice(11) : shown(ms);
}

/** `2026-11-27 20:00`, of the machine's time zone. */
function shown(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
