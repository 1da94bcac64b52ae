/** Node's timers fire at once when they are set to more than this, 25 days. */
export const longestTimerMs = 2 ** 31 - 1;

/** Limits of one request, checked when the engine receives it and, for texts, before the client sends it. */
export const limits = {
  /** Bytes of a whole `POST` body: pictures and JSON together. */
  bodyBytes: 64 * 1024 * 1024,
  /** Pictures in one request. */
  pictures: 16,
  /** Bytes of one picture. */
  pictureBytes: 32 * 1024 * 1024,
  /** Bytes of the JSON part. */
  requestJsonBytes: 1024 * 1024,
  /** Characters of one text: prompt, or a message's part. */
  textCharacters: 200_000,
  messages: 64,
  messageParts: 64,
  choices: 64,
  choiceCharacters: 500,
  stopStrings: 16,
  stopCharacters: 200,
  masks: 64,
  polygonPoints: 256,
  /** Characters of an id, a camera key. */
  keyCharacters: 200,
  modelCharacters: 4096,
  maxNewTokens: 8192,
  /** Pixels. */
  thumbnailSide: 512,
  /** Waiting frames of one camera. */
  queueCapacity: 1000,
  /** One line of the event stream, without its newline. */
  eventLineBytes: 8 * 1024 * 1024,
  /** From minus this to this. */
  priority: 1000,
  /** Threads of a CPU. */
  threads: 256,
  /** Longest deadline: an hour. */
  deadlineMs: 3_600_000,
} as const;
