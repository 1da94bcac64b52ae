import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errorBody, SmolvlmError } from '../../errors';

export interface FfmpegVersion {
  readonly major: number;
  readonly minor: number;
}

/** Builds without a release number are recent. */
const unknownVersion: FfmpegVersion = { major: 99, minor: 0 };

const versions = new Map<string, FfmpegVersion>();

/** @throws SmolvlmError `frame-ffmpeg` if it cannot be started */
export async function ffmpegVersion(program: string): Promise<FfmpegVersion> {
  const known = versions.get(program);
  if (known) return known;
  try {
    const { stdout } = await promisify(execFile)(program, ['-version'], { timeout: 10_000 });
    const [, major, minor] = /version n?(\d+)\.(\d+)/.exec(stdout) ?? [];
    const version = major === undefined ? unknownVersion : { major: Number(major), minor: Number(minor) };
    versions.set(program, version);
    return version;
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const state = isMissing ? 'is not installed' : `cannot be started: ${errorBody(cause).message.trim()}`;
    throw new SmolvlmError('frame-ffmpeg', `RTSP needs the program ${program}, which ${state}`, {
      hint: 'Install ffmpeg (Debian: apt install ffmpeg; Home Assistant: use the camera’s snapshot address instead).',
      cause,
    });
  }
}

/**
 * What ffmpeg reads of a stream before it decodes. More makes the first picture old: H.264 is looked at for 7 pictures,
 * more than a second of a sub-stream. `analyzeduration` counts microseconds; 0 would be its default of 5 s.
 */
const probing = { analyzeduration: '1', fpsprobesize: '0' };

export interface FfmpegJob {
  /** With user and password. */
  readonly address: URL;
  /** `single`: the first keyframe only. */
  readonly mode: 'stream' | 'single';
  readonly intervalMs: number;
  /** Of connecting, and of reading. */
  readonly timeoutMs: number;
  readonly version: FfmpegVersion;
}

/** The list of inputs, which ffmpeg reads from its stdin: an argument would show the password to every user. */
export function ffmpegInput({ address, timeoutMs, version }: FfmpegJob): string {
  const url = new URL(address);
  const options = {
    rtsp_transport: 'tcp',
    ...probing,
    timeout: String(timeoutMs * 1000),
  };
  const lines = Object.entries(options).map(([name, value]) => `option ${name} ${value}\n`);
  // The list takes options since 5.0; before, TCP is asked for in the address.
  if (version.major < 5) url.search = url.search === '' ? '?tcp' : `${url.search}&tcp`;
  return `ffconcat version 1.0\nfile '${url.href.replaceAll("'", '%27')}'\n${version.major < 5 ? '' : lines.join('')}`;
}

/** JPEGs go to descriptor 1, the video as it comes to descriptor 3, to tell a frozen camera from a late keyframe. */
export function ffmpegArguments({ mode, intervalMs, version }: FfmpegJob): readonly string[] {
  const seconds = intervalMs / 1000;
  // The first is a keyframe: before it pictures are grey. Times may jump back when the camera's clock is set.
  const select = `select=isnan(prev_selected_t)*key+gte(t-prev_selected_t\\,${seconds})+lt(t\\,prev_selected_t)`;
  // The encoder refuses a time that is not later than the last one, counted in pictures of the stream.
  const filter = `${select},settb=1,setpts=100*N`;
  // A parameter set has the time of its picture: one of the two would be left out.
  const numbered = version.major >= 5 ? ['-bsf:v', 'setts=ts=N'] : [];
  const isRecent = version.major > 5 || (version.major === 5 && version.minor >= 1);
  return [
    ...['-hide_banner', '-loglevel', 'error', '-nostats'],
    // Each thread of the decoder but the first holds one picture back, or one keyframe.
    ...(mode === 'single'
      ? ['-threads', '1', '-skip_frame', 'nokey']
      : ['-threads', '2', '-thread_type', 'frame']),
    ...['-f', 'concat', '-safe', '0', '-protocol_whitelist', 'pipe,rtsp,rtsps,rtp,srtp,tcp,udp,tls,crypto'],
    ...Object.entries(probing).flatMap(([name, value]) => [`-${name}`, value]),
    ...['-i', 'pipe:0', '-map', '0:v:0'],
    ...(mode === 'single' ? ['-frames:v', '1'] : ['-vf', filter]),
    ...(isRecent ? ['-fps_mode', 'passthrough'] : ['-vsync', '0']),
    // A threaded encoder holds a picture back until the next one.
    ...['-threads', '1', '-q:v', '3', '-f', 'image2pipe', '-c:v', 'mjpeg', '-flush_packets', '1', 'pipe:1'],
    ...[
      '-map',
      '0:v:0',
      '-c:v',
      'copy',
      '-copyinkf',
      ...numbered,
      '-f',
      'data',
      '-flush_packets',
      '1',
      'pipe:3',
    ],
  ];
}
