import type { TimelineQuery } from './timeline-store';

/** Words of a question that no caption has to contain: English, German, French. */
const fillers = new Set(
  (
    'when was were is are did do does has have had been the a an any some last seen see show find there at on in of by for to my our what who where how often ' +
    'wann war waren wurde wurden ist sind hat haben das der die den dem ein eine einen einem zuletzt gesehen an am auf in im vor von zu was wer wo zeige finde es gab ' +
    'quand quel quelle est était etait sont a avait eu été ete le la les un une des du de dernier dernière derniere fois vu vue à au aux sur dans devant par pour qui que où ou montre trouve il y'
  ).split(' '),
);

/** Of a script that has spaces between words. */
const letter = '[\\p{Script=Latin}\\p{Script=Greek}\\p{Script=Cyrillic}\\p{N}]';

/** German questions in which "hier" means here; in French it is yesterday. */
const german =
  /(?<!\p{L})(?:wann|war|waren|wurde|wurden|ist|sind|hat|haben|der|die|das|den|dem|ein|eine|einen|einem|wer|wo|gab|zuletzt)(?!\p{L})/iu;

/** A French verb's subject behind it: "était-il", "a-t-on". */
const inversion = /(?<=\p{L})-(?:t-)?(?:ils?|elles?|on|ce)$/iu;

/** Chinese particles. */
const particles = /[的了吗呢]/gu;

const dayWords: Readonly<Record<string, number>> = {
  ...{ today: 0, heute: 0, "aujourd'hui": 0, 'aujourd’hui': 0, 今天: 0 },
  ...{ yesterday: 1, gestern: 1, hier: 1, 昨天: 1 },
};

/**
 * A question in plain words as a search: "When was a parcel last seen on the porch yesterday?" searches the camera
 * porch for "parcel" on that day. By fixed lists of words; nothing is inferred.
 */
export function spokenQuery(question: string, cameras: readonly string[], nowMs: number): TimelineQuery {
  let text = question.trim().replace(/[?？!。.]+$/u, '');
  let query: TimelineQuery = {};
  if (german.test(text)) text = text.replace(/(?<!\p{L})hier(?!\p{L})/giu, ' ');
  for (const [word, daysAgo] of Object.entries(dayWords)) {
    const without = text.replace(new RegExp(`(?<![\\p{L}])${word}(?![\\p{Script=Latin}])`, 'iu'), ' ');
    if (without === text) continue;
    text = without;
    query = { from: midnight(nowMs, daysAgo), to: midnight(nowMs, daysAgo - 1) };
  }
  // The longest name first: "back porch" before "porch".
  for (const camera of [...cameras].sort((a, b) => b.length - a.length)) {
    const name = camera.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/[_\s-]+/g, '[_\\s-]+');
    const without = text.replace(new RegExp(`(?<!${letter})${name}(?!${letter})`, 'iu'), ' ');
    if (without === text) continue;
    text = without;
    query = { ...query, camera };
    break;
  }
  const words = text
    .replace(particles, ' ')
    .split(/[\s,;:]+/u)
    .map((word) => word.replace(inversion, ''))
    .filter((word) => word !== '' && !fillers.has(word.toLowerCase()));
  return words.length === 0 ? query : { ...query, text: words.join(' ') };
}

function midnight(nowMs: number, daysAgo: number): number {
  const day = new Date(nowMs);
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - daysAgo);
  return day.getTime();
}
