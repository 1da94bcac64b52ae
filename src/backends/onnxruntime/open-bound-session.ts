import { loadKoffi } from '../koffi-loader';
import type { BoundSession } from './bound-session';
import { openNativeSession } from './native-session';
import { loadOnnxRuntime } from './onnxruntime-loader';
import { OrtLibrary } from './ort-library';
import { ScriptSession } from './script-session';
import { type SessionRole, type SessionSettings, sessionOptions } from './session-options';

/** How a session is called: the library's C API through koffi, or onnxruntime-node's JavaScript. */
export type SessionDoor = 'native' | 'script';

export interface BoundSessionSettings extends SessionSettings {
  /** Default: `native` where koffi and the library can be loaded. */
  readonly door?: SessionDoor;
  readonly role: SessionRole;
}

/**
 * Opens a graph. The C API copies nothing. Where koffi is not installed,
 * onnxruntime-node does the same, but also copies every output once for each run.
 */
export async function openBoundSession(
  path: string,
  { door, role, ...settings }: BoundSessionSettings,
): Promise<BoundSession> {
  const runtime = await loadOnnxRuntime();
  const library = door === 'script' ? undefined : await ortLibrary(door === 'native');
  if (library) return openNativeSession(library, path, settings, role);
  const session = await runtime.InferenceSession.create(path, sessionOptions(settings, role));
  return new ScriptSession(runtime, session);
}

let loaded: Promise<OrtLibrary> | undefined;

/** Loaded once per thread. @returns undefined where it cannot be loaded, unless it is required */
async function ortLibrary(required: boolean): Promise<OrtLibrary | undefined> {
  loaded ??= loadKoffi().then((koffi) => OrtLibrary.load(koffi));
  try {
    return await loaded;
  } catch (error) {
    if (required) throw error;
    return undefined;
  }
}
