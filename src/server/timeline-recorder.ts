import { errorBody } from '../errors';
import type { SuccessEvent } from '../protocol/events';
import { defined } from '../system/defined';
import type { TimelineAnswer } from '../timeline/timeline-entry';
import type { TimelineStore } from '../timeline/timeline-store';

/** Pixels of a thumbnail's longest side: 8 to 20 KB. */
export const timelineThumbnailSide = 320;

/** Ids of questions that the captions page asks: their answers belong to the entry that they are about. */
const ownRequest = /^timeline-/;

/** Keeps each description in a timeline. @param log gets the first of the same failures in a row */
export function timelineRecorder(
  store: TimelineStore,
  log: (line: string) => void,
): (done: SuccessEvent) => void {
  let lastFailure: string | undefined;
  store.onTrouble(({ message }) => log(message));
  return (done) => {
    if (done.type !== 'result' || ownRequest.test(done.id)) return;
    const { text, json, camera, capturedAt, prompt, model, thumbnail, timingsMs } = done.result;
    // A request without a picture is a conversation, not a camera's picture.
    if (thumbnail === undefined || text.trim() === '') return;
    const takenMs = capturedAt === undefined ? Number.NaN : Date.parse(capturedAt);
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
    store
      .add(
        {
          camera: camera || 'camera',
          text: text.trim(),
          ...{ prompt, model, seconds: timingsMs.total / 1000 },
          ...defined({
            timeMs: Number.isNaN(takenMs) ? undefined : takenMs,
            answers: isObject ? (json as Readonly<Record<string, TimelineAnswer>>) : undefined,
          }),
        },
        { thumbnail: Buffer.from(thumbnail, 'base64') },
      )
      .then(
        () => {
          lastFailure = undefined;
        },
        (error: unknown) => {
          const { message } = errorBody(error);
          if (message !== lastFailure) log(`a caption was not kept: ${message}`);
          lastFailure = message;
        },
      );
  };
}
