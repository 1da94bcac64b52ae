import { resolve } from 'node:path';
import { type EngineAddress, parseEngineAddress } from '../../client/engine-address';
import type { DescribeInput } from '../../client/engine-api';
import type { QueuePolicy, RuntimeOptions } from '../../protocol/describe-request';
import { oneOf, positiveNumber } from '../dialog-fields';

const defaultRecentFrames = 12;
/** A megabyte or so. */
const mostRecentFrames = 200;

/** The dialog of `smolvlm-engine`, as Node-RED hands it over: numbers may come as text, or empty. */
export interface EngineDialog {
  readonly location?: string;
  readonly url?: string;
  readonly model?: string;
  readonly backend?: string;
  readonly decoder?: string;
  readonly precision?: string;
  readonly threads?: string | number;
  readonly queuePolicy?: string;
  readonly queueCapacity?: string | number;
  readonly maxAge?: string | number;
  readonly idle?: string | number;
  readonly recentFrames?: string | number;
}

/** What an engine config node gives to its users. */
export interface EngineSettings {
  readonly address: EngineAddress;
  /** Seconds a local engine stays after its last user has gone. */
  readonly idleExitSeconds: number;
  /** Frames that the sidebar can show. */
  readonly recentFrames: number;
  /** Defaults of every request. */
  readonly defaults: Pick<DescribeInput, 'model' | 'runtime' | 'queue' | 'maxAgeMs'>;
}

/**
 * @param userDir folder that relative model paths are meant from
 * @throws SmolvlmError `engine-address` for an address that is none
 */
export function engineSettings(
  dialog: EngineDialog,
  token: string | undefined,
  userDir: string,
): EngineSettings {
  const remote = dialog.location === 'remote';
  const model = modelReference(dialog.model?.trim() ?? '', userDir);
  const runtime = runtimeOptions(dialog);
  const maxAgeSeconds = positiveNumber(dialog.maxAge);
  const capacity = positiveNumber(dialog.queueCapacity);
  return {
    address: parseEngineAddress(remote ? dialog.url : 'local', token),
    idleExitSeconds: positiveNumber(dialog.idle) ?? 60,
    recentFrames: recentFrames(dialog.recentFrames),
    defaults: {
      ...(model !== '' && { model }),
      ...(Object.keys(runtime).length > 0 && { runtime }),
      queue: {
        policy: oneOf<QueuePolicy>(dialog.queuePolicy, ['newest', 'oldest', 'reject']) ?? 'newest',
        ...(capacity !== undefined && { capacity: Math.round(capacity) }),
      },
      ...(maxAgeSeconds !== undefined && { maxAgeMs: maxAgeSeconds * 1000 }),
    },
  };
}

function runtimeOptions(dialog: EngineDialog): RuntimeOptions {
  const backend = oneOf(dialog.backend, ['cpu', 'npu']);
  const decoder = oneOf(dialog.decoder, ['cpu', 'npu']);
  const precision = oneOf(dialog.precision, ['float32', 'int8', 'int4']);
  const threads = positiveNumber(dialog.threads);
  return {
    ...(backend && { backend }),
    ...(decoder && { decoder }),
    ...(precision && { precision }),
    ...(threads !== undefined && { threads: Math.round(threads) }),
  };
}

/** A node from before there was this field keeps as many as a new one; 0 keeps none. */
function recentFrames(value: string | number | undefined): number {
  if (value === undefined || value === '') return defaultRecentFrames;
  return Math.min(mostRecentFrames, Math.round(positiveNumber(value) ?? 0));
}

/** The engine runs in a folder of its own, so a relative path is made absolute before it leaves. */
function modelReference(model: string, userDir: string): string {
  return /^\.{1,2}[/\\]/.test(model) ? resolve(userDir, model) : model;
}
