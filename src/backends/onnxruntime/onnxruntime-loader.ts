import { SmolvlmError } from '../../errors';
import { disableTelemetry } from '../../system/no-telemetry';

export type OnnxRuntime = typeof import('onnxruntime-node');

/** Determines whether a prebuilt onnxruntime-node exists for this process. */
export interface RuntimePlatform {
  readonly platform: string;
  readonly arch: string;
  /** Linux only: glibc's version, or `musl`. */
  readonly libc?: string;
}

/** onnxruntime-node could not be loaded; the hint says why on this platform and what to do. */
export class OnnxRuntimeLoadError extends SmolvlmError {}

/** Platforms of the prebuilt libraries in onnxruntime-node 1.30. */
const prebuilt: readonly string[] = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

let loading: Promise<OnnxRuntime> | undefined;

/**
 * Loads onnxruntime-node once per process. It is an optional dependency: a hub whose NPU does the
 * work does not need it. The library's telemetry is switched off first: it starts while the library is loaded.
 * @throws OnnxRuntimeLoadError `onnxruntime-unavailable`
 */
export function loadOnnxRuntime(): Promise<OnnxRuntime> {
  disableTelemetry();
  loading ??= import('onnxruntime-node').catch((cause: unknown) => {
    loading = undefined;
    throw onnxRuntimeLoadError(cause, thisPlatform());
  });
  return loading;
}

/** The reason and what to do, by platform. */
export function onnxRuntimeLoadError(cause: unknown, on: RuntimePlatform): OnnxRuntimeLoadError {
  const name = `${on.platform}-${on.arch}`;
  const libc = on.libc === undefined ? '' : on.libc === 'musl' ? ' (musl)' : ` (glibc ${on.libc})`;
  const reason = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : String(cause);
  return new OnnxRuntimeLoadError(
    'onnxruntime-unavailable',
    `onnxruntime-node could not be loaded on ${name}${libc}: ${reason}`,
    { hint: hintFor(cause, on, name), cause },
  );
}

function hintFor(cause: unknown, on: RuntimePlatform, name: string): string {
  const elsewhere = 'run the engine on another machine with "smolvlm serve" and give its URL';
  if (on.libc === 'musl') {
    return `onnxruntime-node has no build for musl (Alpine, Home Assistant's Node-RED app): ${elsewhere}.`;
  }
  if (!prebuilt.includes(name)) {
    return `onnxruntime-node is built for ${prebuilt.join(', ')} only: ${elsewhere}.`;
  }
  if (errorCode(cause) === 'MODULE_NOT_FOUND' || errorCode(cause) === 'ERR_MODULE_NOT_FOUND') {
    return 'Install it where this package is installed: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node. npm leaves it out with --omit=optional, and without a message if its install script cannot download CUDA libraries, which are not needed (skip prevents this).';
  }
  if (cause instanceof Error && /GLIBC(XX)?_/.test(cause.message)) {
    return `It needs glibc 2.28 or newer (Debian 10, Ubuntu 18.10): update the system, or ${elsewhere}.`;
  }
  return `Reinstall it on this machine (npm rebuild onnxruntime-node); a node_modules folder copied from another platform cannot work. Or ${elsewhere}.`;
}

function errorCode(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}

function thisPlatform(): RuntimePlatform {
  const { platform, arch } = process;
  if (platform !== 'linux') return { platform, arch };
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return { platform, arch, libc: report.header?.glibcVersionRuntime ?? 'musl' };
}
