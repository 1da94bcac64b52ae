import { loadKoffi } from '../koffi-loader';
import type { BoundSession } from './bound-session';
import { openNativeSession } from './native-session';
import { loadOnnxRuntime } from './onnxruntime-loader';
import { OrtLibrary } from './ort-library';
import { ScriptSession } from './script-session';
import { type SessionSettings, sessionOptions } from './session-options';

/** How a session is called: the library's C API through koffi, or onnxruntime-node's JavaScript. */
export type SessionDoor = 'native' | 'script';

/**
 * Opens a graph with the threads spinning between its runs. The C API copies nothing. Where koffi is not installed,
 * onnxruntime-node does the same, but also copies every output once for each run.
 * @param door default: `native` where koffi and the library can be loaded
 */
export async function openBoundSession(
  path: string,
  settings: SessionSettings,
  door?: SessionDoor,
): Promise<BoundSession> {
  const runtime = await loadOnnxRuntime();
  const library = door === 'script' ? undefined : await ortLibrary(door === 'native');
  if (library) return openNativeSession(library, path, settings);
  const session = await runtime.InferenceSession.create(path, sessionOptions(settings, true));
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
