import type { NodeAPI } from 'node-red';
import { errorBody } from '../../errors';
import { NodeFailure } from './node-failure';
import { fieldLabel, sharedWord } from './shared-words';

/** What a status says about an error: a key below `smolvlm-engine.trouble`, with what is filled in. */
export interface Trouble {
  readonly key: TroubleKey;
  readonly values?: Readonly<Record<string, string>>;
  /** A key below `smolvlm-engine.wayOut`, where it says more than that of the same name. */
  readonly wayOut?: FieldWayOut;
}

/** An error, or the code of one, in a few words in Node-RED's language. */
export type TroubleWords = (thrown: unknown) => string;

/** Codes, or how they begin, by what the status says. The first that fits counts. */
const codesByKey = {
  modelNotHere: ['model-not-pulled'],
  noModel: ['model-missing', 'model-unknown-folder', 'model-not-found', 'engine-no-model', 'hub-not-found'],
  loginRefused: [
    'image-login',
    'mqtt-broker-login',
    'mqtt-password',
    'hub-unauthorized',
    'hub-forbidden',
    'nats-login',
    'nats-credentials',
    'nats-permission',
  ],
  tokenRefused: ['engine-token', 'request-unauthorized', 'dialog-token', 'request-foreign'],
  certificate: [
    'image-certificate',
    'mqtt-broker-certificate',
    'engine-certificate',
    'engine-tls',
    'nats-tls',
  ],
  page: ['image-html', 'image-text'],
  noPicture: ['image-source', 'image-missing', 'image-empty', 'request-no-picture', 'mqtt-no-picture'],
  videoStream: ['image-stream'],
  tooLarge: [
    'timeline-large',
    'image-too-large',
    'image-pixels',
    'request-too-large',
    'mqtt-picture-too-large',
  ],
  tooMany: [
    'timeline-busy',
    'image-busy',
    'image-count',
    'client-full',
    'engine-busy',
    'engine-queue-full',
    'engine-bodies',
  ],
  packageMissing: [
    ...['image-library', 'onnxruntime-', 'protobuf-unavailable', 'backend-koffi', 'engine-metrics'],
    'archive-library',
    'nats-package',
    'timeline-library',
    'discovery-package',
  ],
  noAnswer: ['image-fetch'],
  pictureDamaged: ['image-'],
  ffmpegMissing: ['frame-ffmpeg'],
  streamBroken: ['frame-stream'],
  folder: ['frame-folder', 'folder-read-only', 'folder-unusable', 'timeline-folder', 'timeline-in-use'],
  timelineDamaged: ['timeline-damaged', 'timeline-version'],
  promptEmpty: ['prompt-empty'],
  promptTooLong: ['prompt-too-long', 'decoder-context', 'caption-json-room'],
  prompt: ['prompt-', 'perplexity-'],
  answerEmpty: ['caption-empty'],
  noEngine: ['node-no-engine'],
  noBroker: ['node-no-broker'],
  field: ['node-property', 'convert-input', 'engine-address'],
  engineStart: ['engine-start', 'engine-listen', 'engine-running', 'runtime-dir', 'environment-variable'],
  engineVersion: ['engine-protocol', 'engine-answer', 'protocol-'],
  engineUnreachable: [
    'engine-unreachable',
    'nats-unreachable',
    'nats-no-hub',
    'nats-hubs-lost',
    'engine-lost',
    'engine-thread-lost',
    'engine-stopping',
  ],
  npuBusy: ['npu-busy', 'npu-shared', 'npu-lock-folder'],
  npuLibrary: ['backend-rknn-library', 'backend-rkllm-library', 'backend-rknn-symbol', 'backend-rkllm-abi'],
  npu: ['npu-', 'backend-', 'decoder-silent', 'decoder-run'],
  diskFull: ['hub-disk-full', 'bundle-disk-space', 'timeline-disk-full'],
  download: ['hub-'],
  modelDamaged: [
    ...['checkpoint-', 'bundle-', 'stage-', 'decoder-', 'vision-', 'activation-', 'caption-logits'],
    'archive-',
  ],
  busy: ['convert-busy'],
  timeline: ['timeline-write', 'timeline-thread', 'timeline-full', 'timeline-time'],
  cancelled: [
    'node-closed',
    'timeline-closed',
    'cancelled',
    'convert-cancelled',
    'client-closed',
    'image-child-closed',
    'engine-dropped-cancelled',
  ],
  toolkit: ['toolkit-', 'rkllm-', 'onnx-'],
  conversion: ['convert-', 'validate-', 'command-lost'],
  broker: ['mqtt-broker-', 'mqtt-refused', 'mqtt-backlog'],
  request: ['node-message', 'timeline-', 'mqtt-', 'request-', 'caption-', 'features-', 'nats-', 'client-'],
  late: ['deadline', 'engine-dropped-deadline'],
  newer: ['superseded', 'engine-dropped-superseded'],
  queueFull: ['queue-full', 'engine-dropped-queue-full'],
  old: ['expired', 'engine-dropped-expired'],
  stopped: ['shutdown', 'engine-dropped-'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Reasons why a picture cannot be fetched, which its error has in words. */
const fetchReasons = ['refused', 'unknownHost', 'timeout', 'notFound', 'status'] as const;

/** Ways out that name what a field of a dialog may hold. */
export const fieldWaysOut = ['fieldNumber', 'fieldWhole', 'fieldChoice'] as const;
export type FieldWayOut = (typeof fieldWaysOut)[number];

export type TroubleKey = keyof typeof codesByKey | (typeof fetchReasons)[number] | 'other';

export const troubleKeys: readonly TroubleKey[] = [
  ...(Object.keys(codesByKey) as (keyof typeof codesByKey)[]),
  ...fetchReasons,
  'other',
];

export function troubleOf(thrown: unknown): Trouble {
  const { code, message } = described(thrown);
  if (code === 'image-fetch') return fetchTrouble(message);
  if (code === 'node-property') return fieldTrouble(message);
  for (const [key, codes] of Object.entries(codesByKey)) {
    const fits = (each: string): boolean => (each.endsWith('-') ? code.startsWith(each) : code === each);
    if (codes.some(fits))
      return { key: key as TroubleKey, ...(key === 'field' && { values: { field: '' } }) };
  }
  return { key: 'other' };
}

function described(thrown: unknown): { readonly code: string; readonly message: string } {
  if (typeof thrown === 'string') return { code: thrown, message: '' };
  return thrown instanceof NodeFailure ? { code: thrown.code, message: thrown.sentence } : errorBody(thrown);
}

/** A message about a field begins with its name, and says what the field may hold. */
function fieldTrouble(message: string): Trouble {
  const field = message.split(':')[0] ?? '';
  const number = /: expected a (whole )?number from (\S+) to (\S+), received (.*)$/s.exec(message);
  if (number) {
    const [, whole, least = '', most = '', received = ''] = number;
    const wayOut = whole === undefined ? 'fieldNumber' : 'fieldWhole';
    return { key: 'field', wayOut, values: { field, least, most, received } };
  }
  const [, choices, received = ''] = /: expected one of (.*), received (.*)$/s.exec(message) ?? [];
  if (choices !== undefined) {
    return { key: 'field', wayOut: 'fieldChoice', values: { field, choices, received } };
  }
  return { key: 'field', values: { field } };
}

function fetchTrouble(message: string): Trouble {
  const status = /answered (\d{3})\b/.exec(message)?.[1];
  if (status === '404') return { key: 'notFound' };
  if (status !== undefined) return { key: 'status', values: { status } };
  if (message.includes('ECONNREFUSED')) return { key: 'refused' };
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) return { key: 'unknownHost' };
  if (/within \d+ ms|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(message)) return { key: 'timeout' };
  return { key: 'noAnswer' };
}

/**
 * The words of the engine node's catalog; the error's code stays in the message.
 * @param type of the node, whose dialog names the fields
 */
export function troubleWords(RED: NodeAPI, type: string): TroubleWords {
  return (thrown) => {
    const { key, values } = troubleOf(thrown);
    return sharedWord(RED, `trouble.${key}`, shownValues(RED, type, values));
  };
}

/** The values of a trouble, a field by its label. */
export function shownValues(RED: NodeAPI, type: string, values: Trouble['values']): Trouble['values'] {
  return values?.field === undefined ? values : { ...values, field: fieldLabel(RED, type, values.field) };
}
