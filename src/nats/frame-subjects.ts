/** Token of the subject for requests that name no model: each hub uses its default. */
export const anyModel = '_';

/** Frames that share a consumer. */
export interface FrameKind {
  /** Absent for requests that name none. */
  readonly model: string | undefined;
  /** Of a priority above 0: hubs take them without waiting for the others. */
  readonly urgent: boolean;
}

/**
 * Names of streams, consumers and subjects below one prefix:
 *
 *     PREFIX.frames.MODEL.CAMERA.GROUP.SLOT   a request; one message is kept for each subject
 *     PREFIX.urgent.MODEL.CAMERA.GROUP.SLOT   a request of a priority above 0
 *     PREFIX.answers.ID                       its final event, kept for ten minutes
 *     PREFIX.returns.ID                       how often hubs returned it without working on it
 *     PREFIX.events.ID                        its progress and tokens, not kept
 *     PREFIX.cancel.ID                        cancels it
 *     PREFIX.newest.frames.MODEL.…            a newer request took the place of the one waiting there
 *     PREFIX.newest.queue                     the stream of frames is new: clients send again what waited in the one before
 *     PREFIX.hubs.status, PREFIX.hubs.doctor  asks all hubs
 *     PREFIX.hub.INSTANCE                     a request for one hub
 *     PREFIX.CAMERA.caption                   an answer for everybody who reads about the camera; also attributes, error
 *                                             and dropped
 */
export class FrameSubjects {
  constructor(readonly prefix: string) {}

  get frameStream(): string {
    return this.prefix;
  }

  get answerStream(): string {
    return `${this.prefix}-answers`;
  }

  get pictureBucket(): string {
    return `${this.prefix}-pictures`;
  }

  get allFrames(): readonly string[] {
    return [`${this.prefix}.frames.>`, `${this.prefix}.urgent.>`];
  }

  get keptAnswers(): readonly string[] {
    return [`${this.prefix}.answers.*`, `${this.prefix}.returns.*`];
  }

  get allNewest(): string {
    return `${this.prefix}.newest.>`;
  }

  /** Among the subjects that clients listen to anyway. */
  get newQueue(): string {
    return `${this.prefix}.newest.queue`;
  }

  get allCancels(): string {
    return `${this.prefix}.cancel.*`;
  }

  get hubsStatus(): string {
    return `${this.prefix}.hubs.status`;
  }

  get hubsDoctor(): string {
    return `${this.prefix}.hubs.doctor`;
  }

  frame({ camera, group, slot, ...kind }: FramePlace): string {
    return [this.#kind(kind), token(camera), token(group), slot].join('.');
  }

  framesOf(kind: FrameKind): string {
    return `${this.#kind(kind)}.>`;
  }

  isUrgent(frameSubject: string): boolean {
    return frameSubject.startsWith(`${this.prefix}.urgent.`);
  }

  /** A consumer's name: names may not contain what subjects may, and are at most 32 characters where possible. */
  consumer({ model, urgent }: FrameKind): string {
    const name = model === undefined ? 'any-model' : `model-${token(model).replaceAll('=', '_')}`;
    return urgent ? `urgent-${name}` : name;
  }

  newest(frameSubject: string): string {
    return `${this.prefix}.newest${frameSubject.slice(this.prefix.length)}`;
  }

  answer(id: string): string {
    return `${this.prefix}.answers.${token(id)}`;
  }

  returned(id: string): string {
    return `${this.prefix}.returns.${token(id)}`;
  }

  events(id: string): string {
    return `${this.prefix}.events.${token(id)}`;
  }

  cancel(id: string): string {
    return `${this.prefix}.cancel.${token(id)}`;
  }

  /** @param leaf what about the camera, e.g. `caption` */
  ofCamera(camera: string, leaf: string): string {
    return `${this.prefix}.${cameraLevels(camera)}.${leaf}`;
  }

  /** The camera of a frame's subject. */
  cameraOf(frameSubject: string): string {
    return tokenText(frameSubject.slice(this.prefix.length).split('.')[3] ?? '-');
  }

  hub(instance: string): string {
    return `${this.prefix}.hub.${token(instance)}`;
  }

  #kind({ model, urgent }: FrameKind): string {
    const levels = [urgent ? 'urgent' : 'frames', model === undefined ? anyModel : token(model)];
    return [this.prefix, ...levels].join('.');
  }
}

/** First levels below the prefix that cameras do not use. */
const reserved: ReadonlySet<string> = new Set(
  'frames urgent answers returns events cancel newest hubs hub'.split(' '),
);

/** A camera's name as levels of a subject, as readable as it can be: `front_door`, `porch/gate` as `porch.gate`. */
function cameraLevels(camera: string): string {
  const levels = camera.split('/').map((level) => (/^[^\s.*>=+#$]+$/.test(level) ? level : token(level)));
  const [first = '-', ...others] = levels;
  return [reserved.has(first) ? escaped(first) : first, ...others].join('.');
}

export interface FramePlace extends FrameKind {
  readonly camera: string;
  readonly group: string;
  /** One of the places of a camera's queue. */
  readonly slot: number;
}

/** A text as one token of a subject: letters, digits, - and others as `=` and two hexadecimal digits; `-` when empty. */
export function token(text: string): string {
  if (text === '') return '-';
  if (text === '-') return escaped(text);
  return text.replaceAll(/[^A-Za-z0-9-]/gu, escaped);
}

/** The text of a token; other programs may leave letters as they are, such as `front_door`. */
function tokenText(token: string): string {
  if (token === '-') return '';
  const bytes = token.split(/(=[0-9A-F]{2})/).map((part, index) => {
    return index % 2 === 1 ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part, 'utf8');
  });
  return Buffer.concat(bytes).toString('utf8');
}

function escaped(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
