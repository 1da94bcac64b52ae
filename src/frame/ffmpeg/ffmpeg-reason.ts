import { SmolvlmError } from '../../errors';
import { shownAddress, shownText } from '../../system/shown-address';

const tryVlc = 'Try the address in VLC; the node continues to try.';

interface Reason {
  readonly pattern: RegExp;
  readonly words: string;
  readonly code?: string;
  readonly hint?: string;
}

const reasons: readonly Reason[] = [
  {
    pattern: /401 |authorization failed/i,
    words: 'the camera refuses the user or password (401)',
    code: 'image-login',
    hint: 'Check user and password. After some wrong logins most cameras lock for minutes; the node waits before it tries again.',
  },
  {
    pattern: /403 |access denied/i,
    words: 'the camera does not allow this user to view the stream (403)',
    code: 'image-login',
    hint: 'Give the user the right to live video in the camera’s settings.',
  },
  {
    pattern: /404 |not found/i,
    words: 'the camera has no stream at this path (404)',
    hint: 'Look the path up in the camera’s manual; the node continues to try.',
  },
  { pattern: /matches no streams|does not contain any stream/i, words: 'the stream has no video' },
  {
    pattern: /connection refused/i,
    words: 'the connection is refused',
    hint: 'Check that RTSP is on, and its port (554).',
  },
  { pattern: /failed to resolve|name or service not known/i, words: 'the camera’s name cannot be resolved' },
  { pattern: /timed out|etimedout/i, words: 'the camera does not answer in time' },
  { pattern: /no route to host|network is unreachable|host is down/i, words: 'the camera cannot be reached' },
  { pattern: /connection reset|broken pipe/i, words: 'the camera dropped the connection' },
];

/** Said of streams that work, e.g. of a parameter set with the time of its picture. */
const harmless =
  /^(To ignore this|Impossible to open|Last message repeated)|non monotonically increasing dts|pts \(\S+\) < dts/;

/** Why ffmpeg ended, in words. @param said its stderr @param how its exit status or signal */
export function ffmpegError(address: URL, said: string, how: string): SmolvlmError {
  const spoken = said
    .split('\n')
    .map((line) =>
      shownText(line.replaceAll(/\[[^\]]* @ 0x[\da-f]+\] ?/g, '').replace(/^pipe:0: /, '')).trim(),
    )
    .filter((line) => line !== '');
  const lines = spoken.filter((line) => !harmless.test(line));
  const known = reasons.find(({ pattern }) => pattern.test(lines.join('\n')));
  const answered = /server returned (\d{3}[^(\n]*)/i.exec(lines.join('\n'))?.[1]?.trim();
  const words =
    known?.words ??
    (answered === undefined ? undefined : `the camera answered ${answered}`) ??
    (how === '0' || (spoken.length > 0 && lines.length === 0)
      ? 'the camera closed the stream'
      : (lines.at(-1) ?? `ffmpeg ended with ${how}`));
  return frameStreamError(address, words, known?.hint, known?.code);
}

export function frameStreamError(
  address: URL,
  reason: string,
  hint = tryVlc,
  code = 'frame-stream',
): SmolvlmError {
  return new SmolvlmError(code, `the stream at ${shownAddress(address)} failed: ${reason}`, { hint });
}
