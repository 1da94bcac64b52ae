import { phrase } from '../../protocol/findings/finding-phrase';
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
    return info(phrase('pythonNotUsed', { platform, arch }));
  }
  if (python !== undefined) return ok(python);
  const { SMOLVLM_CONVERT_PYTHON: asked } = environment;
  if (asked !== undefined) return bad(phrase('pythonWrong', { path: asked }), phrase('otherPython'));
  return info(phrase('noPython'), phrase('installPython'));
}

function judgeFfmpeg({ ffmpeg }: Machine): Finding {
  return ffmpeg === undefined ? info(phrase('noFfmpeg')) : ok(ffmpeg);
}
