import { SmolvlmError } from '../../errors';
import { bundleAdvice } from '../../model/bundle/rknn-toolkits';
import { SystemFiles } from '../../platform/recording/system-files';
import { englishText } from '../../protocol/findings/finding-phrase';
import { initCause, runCause } from './rknn-cause';

/** `RKNN_ERR_…` of rknn_api.h 2.3.2; -100 as the toolkit 2.5.0 names it. */
const names: Readonly<Record<number, string>> = {
  [-1]: 'FAIL',
  [-2]: 'TIMEOUT',
  [-3]: 'DEVICE_UNAVAILABLE',
  [-4]: 'MALLOC_FAIL',
  [-5]: 'PARAM_INVALID',
  [-6]: 'MODEL_INVALID',
  [-7]: 'CTX_INVALID',
  [-8]: 'INPUT_INVALID',
  [-9]: 'OUTPUT_INVALID',
  [-10]: 'DEVICE_UNMATCH',
  [-11]: 'INCOMPATILE_PRE_COMPILE_MODEL',
  [-12]: 'INCOMPATILE_OPTIMIZATION_LEVEL_VERSION',
  [-13]: 'TARGET_PLATFORM_UNMATCH',
  [-100]: 'RUNTIME_ABORT',
};

/** The usual cause of each code; more details are only in the library's own log on stderr. */
const hints: Readonly<Record<number, string>> = {
  [-1]: 'The library’s own log on stderr has the cause: run smolvlm doctor.',
  [-2]: 'The NPU did not finish in time: check its load and temperature with smolvlm doctor.',
  [-3]: 'No NPU is available to this process: run smolvlm doctor.',
  [-4]: 'The NPU’s memory is full: close other models, or load fewer.',
  [-6]: 'The file is damaged, or was made by a newer toolkit than this runtime: use the same x.y.z of both.',
  [-10]: 'Runtime and kernel driver do not match: update the driver (0.9.6 or newer).',
  [-11]: 'Runtime and kernel driver do not match: update the driver (0.9.6 or newer).',
  [-12]: 'Runtime and kernel driver do not match: update the driver (0.9.6 or newer).',
  [-13]: 'The bundle was made for another chip: convert it with the right --target.',
};

/** e.g. `RKNN_ERR_TIMEOUT (-2)`; a code that newer libraries add is shown by its number. */
function rknnCode(code: number): string {
  const name = names[code];
  return name === undefined ? `unknown RKNN error ${code}` : `RKNN_ERR_${name} (${code})`;
}

/** The code for a model of a newer toolkit, among other causes. */
const versionFaults: readonly number[] = [-1, -6];

/**
 * A model that `rknn_init` could not load. -1 stands for several faults: the one that is found here is named.
 * @param runtime version of the library, if it reports one @param files of the machine
 */
export function rknnLoadError(
  stage: string,
  path: string,
  status: number,
  runtime: string | undefined,
  files = new SystemFiles(),
): SmolvlmError {
  const error = rknnError('stage-load', `stage ${stage}: rknn_init of ${path}`, status);
  const cause = status === -1 ? initCause(files, path) : undefined;
  if (cause !== undefined) return new SmolvlmError(error.code, error.message, { hint: cause });
  if (!versionFaults.includes(status)) return error;
  const usual =
    status === -1 ? 'The file is damaged, or was made by a newer toolkit than this runtime.' : error.hint;
  const advice = runtime === undefined ? '' : ` ${englishText(bundleAdvice(runtime))}`;
  return new SmolvlmError(error.code, error.message, { hint: `${usual}${advice}` });
}

/**
 * A run that failed. -1 means that the driver did not finish the job.
 * @param runtime version of the library, if it reports one @param files of the machine
 */
export function rknnRunError(
  stage: string,
  status: number,
  runtime: string | undefined,
  files = new SystemFiles(),
): SmolvlmError {
  const error = rknnError('backend-rknn-call', `stage ${stage}: rknn_run`, status);
  if (status !== -1) return error;
  return new SmolvlmError(error.code, error.message, { hint: runCause(files, runtime) });
}

/** @param what the call and its object, e.g. `rknn_run of l3_mlp` */
export function rknnError(code: string, what: string, status: number): SmolvlmError {
  return new SmolvlmError(code, `${what} failed: ${rknnCode(status)}`, { hint: hints[status] });
}
