import type { DescribeInput, DescribeOptions, EngineApi } from '../../client/engine-api';
import { errorBody, SmolvlmError } from '../../errors';
import type { DescribeFinal } from '../../protocol/events';
import { type FeatureHandle, featuresGone } from '../../protocol/features';

/** Pictures that an engine has seen: read only where it does not hold their features any more. */
export interface SeenPictures {
  /** One a picture. */
  readonly handles: readonly FeatureHandle[];
  readonly length: number;
  /** Of the asking node: its questions wait apart from those of others about the same frame. */
  readonly lane: string;
  read(): Promise<readonly Uint8Array[]>;
}

/** The pictures a question is about. */
export type QuestionPictures = readonly Uint8Array[] | SeenPictures;

/**
 * The pictures of a message: by `msg.features` where a smolvlm-vision node has set it, else read.
 * @param features of the message; what holds no handles counts as nothing
 * @param lane id of the asking node
 * @throws whatever `read` throws, where there are no handles
 */
export async function questionPictures(
  features: unknown,
  lane: string,
  read: () => Promise<readonly Uint8Array[]>,
): Promise<QuestionPictures> {
  const handles: readonly unknown[] = Array.isArray(features) ? features : [features];
  if (handles.length === 0 || !handles.every(isHandle)) return await read();
  return { handles, length: handles.length, lane, read };
}

/**
 * Asks about pictures, by their handles as long as these are good, and else by the pictures themselves, looked
 * at in the handles' detail. Never rejects.
 */
export async function describeSeen(
  engine: EngineApi,
  request: DescribeInput,
  pictures: QuestionPictures,
  options: DescribeOptions = {},
): Promise<DescribeFinal> {
  if (!('handles' in pictures)) return await engine.describe(request, pictures, options);
  const { handles, lane } = pictures;
  const started = performance.now();
  const asked = { ...request, queue: { ...request.queue, lane } };
  if (handles.every(({ expires }) => Date.parse(expires) > Date.now())) {
    const { detail: _detail, crop: _crop, masks: _masks, ...question } = asked;
    const final = await engine.describe({ ...question, features: handles.map(({ id }) => id) }, [], options);
    if (final.type !== 'error' || final.error.code !== featuresGone) return final;
  }
  let read: readonly Uint8Array[];
  try {
    read = await pictures.read();
  } catch (error) {
    return { type: 'error', id: request.id ?? '', error: errorBody(nothingLeft(handles, error)) };
  }
  const [first] = handles;
  const { deadlineMs } = request;
  const again = {
    ...asked,
    ...(first && { detail: first.detail }),
    ...(deadlineMs !== undefined && { deadlineMs: Math.max(1, deadlineMs - (performance.now() - started)) }),
  };
  return await engine.describe(again, read, options);
}

function isHandle(value: unknown): value is FeatureHandle {
  if (typeof value !== 'object' || value === null) return false;
  const { engine, id, frameHash, detail, expires } = value as Partial<Record<keyof FeatureHandle, unknown>>;
  return (
    [engine, id, frameHash].every((text) => typeof text === 'string' && text !== '') &&
    (detail === 'low' || detail === 'full') &&
    typeof expires === 'string' &&
    !Number.isNaN(Date.parse(expires))
  );
}

function nothingLeft([first]: readonly FeatureHandle[], cause: unknown): SmolvlmError {
  const { message } = errorBody(cause);
  return new SmolvlmError(
    featuresGone,
    `the engine does not hold what msg.features names (kept until ${first?.expires}), and there is no picture to look at again: ${message}`,
    {
      hint: 'Let the picture travel in the message and choose its property in the node; behind a caption node msg.payload is the caption.',
      cause,
    },
  );
}
