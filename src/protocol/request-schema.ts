import { backendChoices, details, npuSharings, queuePolicies } from './describe-request';
import { limits } from './limits';
import { cpuPrecisions } from './models/conversion-choices';

const fraction = { type: 'number', minimum: 0, maximum: 1 } as const;
const key = { type: 'string', minLength: 1, maxLength: limits.keyCharacters } as const;
const durationMs = { type: 'number', exclusiveMinimum: 0, maximum: limits.deadlineMs } as const;

const rectangle = {
  type: 'object',
  additionalProperties: false,
  required: ['x', 'y', 'width', 'height'],
  properties: {
    x: fraction,
    y: fraction,
    width: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    height: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  },
} as const;

const polygon = {
  type: 'array',
  minItems: 3,
  maxItems: limits.polygonPoints,
  items: { type: 'array', minItems: 2, maxItems: 2, items: fraction },
} as const;

const messagePart = {
  type: 'object',
  required: ['type'],
  allOf: [
    // First, so that the fault of another type is not that of one alternative.
    { properties: { type: { enum: ['text', 'image'] } } },
    {
      oneOf: [
        {
          additionalProperties: false,
          required: ['type', 'text'],
          properties: {
            type: { const: 'text' },
            text: { type: 'string', maxLength: limits.textCharacters },
          },
        },
        { additionalProperties: false, properties: { type: { const: 'image' } } },
      ],
    },
  ],
} as const;

const message = {
  type: 'object',
  additionalProperties: false,
  required: ['role', 'content'],
  properties: {
    role: { enum: ['system', 'user', 'assistant'] },
    content: { type: 'array', minItems: 1, maxItems: limits.messageParts, items: messagePart },
  },
} as const;

const runtime = {
  type: 'object',
  additionalProperties: false,
  properties: {
    backend: { enum: backendChoices },
    decoder: { enum: backendChoices },
    precision: { enum: cpuPrecisions },
    checkpoint: { type: 'string', minLength: 1, maxLength: limits.modelCharacters },
    npuSharing: { enum: npuSharings },
    threads: { type: 'integer', minimum: 1, maximum: limits.threads },
    contextLength: { type: 'integer', minimum: 64, maximum: 131_072 },
  },
} as const;

/** JSON schema of `DescribeRequest`: unknown fields are refused, so that a misspelt one is not silently ignored. */
export const describeRequestSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['id'],
  not: { required: ['prompt', 'messages'] },
  properties: {
    id: key,
    task: { enum: ['caption', 'features'] },
    features: { type: 'array', minItems: 1, maxItems: limits.pictures, items: key },
    model: { type: 'string', minLength: 1, maxLength: limits.modelCharacters },
    runtime,
    camera: key,
    prompt: { type: 'string', maxLength: limits.textCharacters },
    messages: { type: 'array', minItems: 1, maxItems: limits.messages, items: message },
    detail: { enum: details },
    maxNewTokens: { type: 'integer', minimum: 1, maximum: limits.maxNewTokens },
    temperature: { type: 'number', minimum: 0, maximum: 5 },
    topP: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    seed: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    stop: {
      type: 'array',
      maxItems: limits.stopStrings,
      items: { type: 'string', minLength: 1, maxLength: limits.stopCharacters },
    },
    choices: {
      type: 'array',
      minItems: 1,
      maxItems: limits.choices,
      items: { type: 'string', minLength: 1, maxLength: limits.choiceCharacters },
    },
    /** Read by `parseAnswerSchema`. */
    jsonSchema: { type: 'object' },
    crop: rectangle,
    masks: { type: 'array', maxItems: limits.masks, items: polygon },
    queue: {
      type: 'object',
      additionalProperties: false,
      properties: {
        policy: { enum: queuePolicies },
        capacity: { type: 'integer', minimum: 1, maximum: limits.queueCapacity },
        group: key,
        /** Former name of `group`, which older clients send. */
        lane: key,
      },
      not: { required: ['group', 'lane'] },
    },
    priority: { type: 'integer', minimum: -limits.priority, maximum: limits.priority },
    maxAgeMs: durationMs,
    deadlineMs: durationMs,
    capturedAt: { type: 'string', minLength: 1, maxLength: limits.keyCharacters },
    thumbnailSide: { type: 'integer', minimum: 16, maximum: limits.thumbnailSide },
    stream: { type: 'boolean' },
  },
} as const;
