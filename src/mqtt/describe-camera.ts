import type { EngineApi } from '../client/engine-api';
import { errorBody } from '../errors';
import { captionProperty } from '../protocol/caption-property';
import type { DescribeFinal, EngineEvent } from '../protocol/events';
import { defined } from '../system/defined';
import type { PictureMemory } from './picture-memory';
import type { CameraAnswer, CameraRequest } from './requests/camera-request';
import { requestPicture } from './requests/request-picture';
import type { ServiceSettings } from './service-settings';

export interface DescribeContext {
  readonly engine: EngineApi;
  readonly settings: ServiceSettings;
  readonly memory: PictureMemory;
  /** Fills a prompt's template in. */
  readonly fillPrompt: (template: string, view: object) => string;
  readonly onProgress?: (camera: string, event: EngineEvent) => void;
  readonly signal: AbortSignal;
}

/** Gets the request's picture and has it described. Never rejects. */
export async function describeCamera(
  request: CameraRequest,
  context: DescribeContext,
): Promise<CameraAnswer> {
  const { engine, settings, memory, fillPrompt, onProgress, signal } = context;
  const { camera, payload, receivedAt, frigate, reply } = request;
  try {
    const picture = await requestPicture(request, settings, memory, signal);
    const fields = { ...settings.defaults, ...payload.request };
    // A masked or cropped picture is for the engine only.
    const whole = fields.masks === undefined && fields.crop === undefined;
    // Bytes were stored when they arrived, and newer ones may have come since.
    if (whole && !reply && !(payload.picture instanceof Uint8Array)) memory.set(camera, picture);
    const view = { camera, label: payload.label ?? '', frigate };
    const input = {
      capturedAt: receivedAt,
      ...fields,
      camera,
      prompt: fillPrompt(fields.prompt ?? settings.prompt, view),
      queue: { policy: 'newest', capacity: 1 },
    } as const;
    const onEvent = (event: EngineEvent): void => onProgress?.(camera, event);
    const final = await engine.describe(input, [picture], { signal, onEvent });
    return answer(request, final, whole && settings.publishPicture ? picture : undefined);
  } catch (error) {
    return { kind: 'error', error: errorBody(error) };
  }
}

function answer(request: CameraRequest, final: DescribeFinal, picture: Uint8Array | undefined): CameraAnswer {
  switch (final.type) {
    case 'dropped':
      return { kind: 'dropped', reason: final.reason, message: final.message };
    case 'error':
      return { kind: 'error', error: final.error };
    case 'result': {
      const { camera, payload, frigate } = request;
      const { id, label } = payload;
      const attributes = {
        ...captionProperty(final.result),
        camera,
        ...defined({ id, label, frigate }),
      };
      return { kind: 'caption', attributes, ...defined({ picture }) };
    }
  }
}
