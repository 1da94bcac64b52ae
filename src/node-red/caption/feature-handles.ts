import type { DescribeInput, DescribeOptions, EngineApi } from '../../client/engine-api';
import { errorBody, SmolvlmError } from '../../errors';
import type { DescribeFinal } from '../../protocol/events';
import { type FeatureHandle, featuresGone } from '../../protocol/features';
import { defined } from '../../system/defined';

/** Pictures that an engine has encoded. They are read only if it no longer holds their features. */
export interface EncodedPictures {
  /** One per picture. */
  readonly handles: readonly FeatureHandle[];
  readonly length: number;
  read(): Promise<readonly Uint8Array[]>;
}

/** The pictures of a message. */
export type MessagePictures = readonly Uint8Array[] | EncodedPictures;

/**
 * The pictures of a message: the handles in `msg.features` of a smolvlm-vision node or, without them, as read.
 * @param features `msg.features`; ignored if it is not a handle or a list of handles
 * @throws what `read` throws, if there are no handles
 */
export async function picturesOf(
  features: unknown,
  read: () => Promise<readonly Uint8Array[]>,
): Promise<MessagePictures> {
  const handles: readonly unknown[] = Array.isArray(features) ? features : [features];
  if (handles.length === 0 || !handles.every(isHandle)) return await read();
  return { handles, length: handles.length, read };
}

/**
 * Describes pictures by their handles while these are valid, otherwise by the pictures themselves, in the detail of
 * the handles. Never rejects.
 */
export async function describePictures(
  engine: EngineApi,
  request: DescribeInput,
  pictures: MessagePictures,
  options: DescribeOptions = {},
): Promise<DescribeFinal> {
  if (!('handles' in pictures)) return await engine.describe(request, pictures, options);
  const { handles } = pictures;
  const started = performance.now();
  if (handles.every(({ expires }) => Date.parse(expires) > Date.now())) {
    const { detail: _detail, crop: _crop, masks: _masks, ...question } = request;
    const final = await engine.describe({ ...question, features: handles.map(({ id }) => id) }, [], options);
    if (final.type !== 'error' || final.error.code !== featuresGone) return final;
  }
  let read: readonly Uint8Array[];
  try {
    read = await pictures.read();
  } catch (error) {
    return { type: 'error', id: request.id ?? '', error: errorBody(missingPicture(handles, error)) };
  }
  const [first] = handles;
  const elapsedMs = performance.now() - started;
  const leftMs = request.deadlineMs === undefined ? undefined : Math.max(1, request.deadlineMs - elapsedMs);
  const again = {
    ...request,
    ...defined({ detail: first?.detail, deadlineMs: leftMs }),
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

function missingPicture([first]: readonly FeatureHandle[], cause: unknown): SmolvlmError {
  const { message } = errorBody(cause);
  return new SmolvlmError(
    featuresGone,
    `the engine no longer holds the features in msg.features (kept until ${first?.expires}), and the picture could not be read again: ${message}`,
    {
      hint: 'Keep the picture in the message and choose its property in the node; after a caption node msg.payload is the caption.',
      cause,
    },
  );
}
