import { errorBody } from '../errors';

/** The kind of an error: a key below `trouble` in the catalogs of this room, with what is filled in. */
export interface Trouble {
  readonly key: TroubleKey;
  readonly values?: Readonly<Record<string, string>>;
  /** A key below `wayOut`, where it says more than that of the same name. */
  readonly wayOut?: FieldWayOut;
}

/** Codes, or how they begin, by their kind. The first that fits counts. */
const codesByKey = {
  modelNotHere: ['model-not-pulled'],
  noModel: [
    'model-missing',
    'model-unknown-folder',
    'model-not-found',
    'engine-no-model',
    'hub-not-found',
    'hub-no-checkpoint',
  ],
  hubLogin: ['hub-unauthorized', 'hub-forbidden'],
  loginRefused: [
    'image-login',
    'mqtt-broker-login',
    'mqtt-password',
    'nats-login',
    'nats-credentials',
    'nats-permission',
  ],
  tokenRefused: ['engine-token', 'request-unauthorized', 'request-foreign'],
  tokenElsewhere: ['dialog-token'],
  pageOld: ['dialog-request'],
  dialogPicture: ['dialog-picture'],
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
    'dialog-too-large',
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
  engineStart: ['engine-start', 'engine-listen', 'engine-running', 'runtime-dir'],
  environment: ['environment-variable', 'hub-endpoint'],
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
  npuSlow: ['npu-slow'],
  cpuProducts: ['cpu-products'],
  npuLibrary: ['backend-rknn-library', 'backend-rkllm-library', 'backend-rknn-symbol', 'backend-rkllm-abi'],
  npu: ['npu-', 'backend-', 'decoder-silent', 'decoder-run'],
  diskFull: ['hub-disk-full', 'bundle-disk-space', 'timeline-disk-full'],
  download: ['hub-'],
  fetching: ['model-fetching'],
  modelDamaged: [
    ...['checkpoint-', 'bundle-', 'stage-', 'decoder-', 'vision-', 'activation-', 'caption-logits'],
    'archive-',
  ],
  busy: ['convert-busy'],
  timelineUnknown: ['timeline-unknown'],
  entryGone: ['timeline-no-entry'],
  pictureNotKept: ['timeline-no-picture'],
  questionsOff: ['timeline-no-engine'],
  pagesOpen: ['timeline-pages'],
  timeline: ['timeline-write', 'timeline-thread', 'timeline-full', 'timeline-time'],
  cancelled: [
    'node-closed',
    'timeline-closed',
    'cancelled',
    'convert-cancelled',
    'command-interrupted',
    'client-closed',
    'image-child-closed',
    'engine-dropped-cancelled',
  ],
  toolkit: ['toolkit-', 'rkllm-', 'onnx-'],
  conversion: ['convert-', 'validate-', 'command-lost'],
  lockFile: ['file-lock'],
  outputFailed: ['command-output'],
  noResult: ['command-unfinished'],
  brokerSilent: ['mqtt-broker-unreachable', 'mqtt-broker-address'],
  broker: ['mqtt-broker-', 'mqtt-refused', 'mqtt-backlog'],
  request: ['node-message', 'timeline-', 'mqtt-', 'request-', 'caption-', 'features-', 'nats-', 'client-'],
  notPermitted: ['http-401', 'http-403'],
  noServer: ['http-0'],
  late: ['deadline', 'engine-dropped-deadline'],
  newer: ['superseded', 'engine-dropped-superseded'],
  queueFull: ['queue-full', 'engine-dropped-queue-full'],
  old: ['expired', 'engine-dropped-expired'],
  stopped: ['shutdown', 'engine-dropped-'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Logins that were not entered, as their errors' messages say. */
const missingLogins = ['loginMissing', 'tokenMissing'] as const;

/** Reasons why a picture cannot be fetched, which its error has in words. */
const fetchReasons = ['refused', 'unknownHost', 'timeout', 'notFound', 'status'] as const;

/** An answer without one of this package's codes, e.g. of a proxy. */
const foreignAnswer = 'serverStatus';

/** Ways out that name what a field of a dialog may hold. */
export const fieldWaysOut = ['fieldNumber', 'fieldWhole', 'fieldChoice'] as const;
export type FieldWayOut = (typeof fieldWaysOut)[number];

export type TroubleKey =
  | keyof typeof codesByKey
  | (typeof missingLogins)[number]
  | (typeof fetchReasons)[number]
  | typeof foreignAnswer
  | 'other';

export const troubleKeys: readonly TroubleKey[] = [
  ...(Object.keys(codesByKey) as (keyof typeof codesByKey)[]),
  ...missingLogins,
  ...fetchReasons,
  foreignAnswer,
  'other',
];

export function troubleOf(thrown: unknown): Trouble {
  const { code, message } = described(thrown);
  if (code === 'image-fetch') return fetchTrouble(message);
  if (code === 'node-property') return fieldTrouble(message);
  // An import, or another credentialSecret, loses what only the node had.
  if (code === 'image-login' && /no user and password are given$/.test(message))
    return { key: 'loginMissing' };
  if (code === 'request-unauthorized' && /received none$/.test(message)) return { key: 'tokenMissing' };
  for (const [key, codes] of Object.entries(codesByKey)) {
    const fits = (each: string): boolean => (each.endsWith('-') ? code.startsWith(each) : code === each);
    if (codes.some(fits))
      return { key: key as TroubleKey, ...(key === 'field' && { values: { field: '' } }) };
  }
  const status = /^http-(\d{3})$/.exec(code)?.[1];
  return status === undefined ? { key: 'other' } : { key: foreignAnswer, values: { status } };
}

function described(thrown: unknown): { readonly code: string; readonly message: string } {
  if (typeof thrown === 'string') return { code: thrown, message: '' };
  return isFailure(thrown) ? { code: thrown.code, message: thrown.sentence } : errorBody(thrown);
}

/** An error whose message is in Node-RED's language keeps the English sentence beside it. */
function isFailure(thrown: unknown): thrown is { readonly code: string; readonly sentence: string } {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'sentence' in thrown;
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
