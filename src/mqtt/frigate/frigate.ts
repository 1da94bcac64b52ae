import { defined } from '../../system/defined';
import type { FrigateSettings } from '../service-settings';
import { isCameraName } from '../topic-names';

/** A snapshot that Frigate published: `frigate/<camera>/<label>/snapshot`. */
export interface FrigateSnapshot {
  readonly camera: string;
  readonly label: string;
}

/** The parts of `frigate/tracked_object_update` that are used. */
export interface FrigateUpdate {
  readonly type: string;
  /** Of the tracked object. */
  readonly id: string;
  /** Updates of type `description` come without it. */
  readonly camera?: string;
  /** Frigate's description, in updates of type `description`. */
  readonly description?: string;
}

export function snapshotFilter({ prefix }: FrigateSettings): string {
  return `${prefix}/+/+/snapshot`;
}

export function updateTopic({ prefix }: FrigateSettings): string {
  return `${prefix}/tracked_object_update`;
}

/** Whether objects with this label are described. */
export function isWantedLabel(label: string, { labels }: FrigateSettings): boolean {
  return labels.length === 0 || labels.includes(label);
}

/** @returns undefined for other topics, and for labels that are not described */
export function frigateSnapshot(topic: string, settings: FrigateSettings): FrigateSnapshot | undefined {
  const { prefix } = settings;
  if (!topic.startsWith(`${prefix}/`)) return undefined;
  const [camera = '', label = '', kind, ...more] = topic.slice(prefix.length + 1).split('/');
  if (kind !== 'snapshot' || more.length > 0 || !isCameraName(camera)) return undefined;
  return isWantedLabel(label, settings) ? { camera, label } : undefined;
}

/** @returns undefined for a payload that does not name a tracked object */
export function frigateUpdate(payload: Uint8Array): FrigateUpdate | undefined {
  let fields: Record<string, unknown> | null;
  try {
    fields = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
  const { type, id, camera, description } = fields ?? {};
  if (typeof type !== 'string' || typeof id !== 'string' || !/^[\w.-]{1,80}$/.test(id)) return undefined;
  return {
    type,
    id,
    ...defined({
      camera: typeof camera === 'string' && isCameraName(camera) ? camera : undefined,
      description: typeof description === 'string' ? description : undefined,
    }),
  };
}

/** Address of an object's best picture in Frigate's HTTP API, cropped to the object. */
export function snapshotAddress(url: URL, id: string): string {
  return apiAddress(url, `api/events/${encodeURIComponent(id)}/snapshot.jpg?crop=1`);
}

/** Which camera detected the object, according to Frigate's HTTP API. @throws Error when it does not say */
export async function cameraOfObject(url: URL, id: string, signal: AbortSignal): Promise<FrigateSnapshot> {
  const response = await fetch(apiAddress(url, `api/events/${encodeURIComponent(id)}`), {
    signal: AbortSignal.any([signal, AbortSignal.timeout(apiTimeoutMs)]),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status} ${response.statusText}`.trim());
  }
  const { camera, label } = (await response.json()) as { camera?: unknown; label?: unknown };
  if (typeof camera !== 'string' || !isCameraName(camera))
    throw new Error('its answer does not name a camera');
  return { camera, label: typeof label === 'string' ? label : '' };
}

const apiTimeoutMs = 10_000;

function apiAddress(url: URL, path: string): string {
  return new URL(path, url.href.endsWith('/') ? url : `${url.href}/`).href;
}
