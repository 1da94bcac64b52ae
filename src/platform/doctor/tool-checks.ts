import type { Machine } from '../machine';
import { bad, type Check, type Finding, info, ok } from './finding';

/** Programs that some uses need. */
export const toolChecks: readonly Check[] = [
  { id: 'python', title: 'Python for conversion', judge: judgePython },
  { id: 'ffmpeg', title: 'ffmpeg', judge: judgeFfmpeg },
];

/** The vendor's converter and its simulator run only there. */
export function canConvert({ process, python, libc }: Machine): boolean {
  return (
    process.platform === 'linux' && process.arch === 'x64' && libc.kind !== 'musl' && python !== undefined
  );
}

function judgePython({ process, python }: Machine): Finding {
  const { platform, arch, environment } = process;
  if (platform !== 'linux' || arch !== 'x64') {
    return info(`not used: conversion for an NPU runs on Linux on x86-64, not on ${platform} on ${arch}`);
  }
  if (python !== undefined) return ok(python);
  const { SMOLVLM_CONVERT_PYTHON: asked } = environment;
  if (asked !== undefined) {
    return bad(
      `${asked} (SMOLVLM_CONVERT_PYTHON) is not Python 3.8 to 3.12`,
      'Set it to another one, or unset it.',
    );
  }
  return info('no Python 3.8 to 3.12', 'To convert for an NPU, install one (Debian: python3 python3-venv).');
}

function judgeFfmpeg({ ffmpeg }: Machine): Finding {
  return ffmpeg === undefined ? info('not on the PATH; only cameras read over RTSP need it') : ok(ffmpeg);
}
