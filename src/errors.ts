/** What any error of this package carries across a process boundary. */
export interface ErrorBody {
  /** Stable, kebab-case, room first: `image-html`, `checkpoint-truncated`, `engine-lost`. */
  readonly code: string;
  /** One sentence that names the thing and the value. */
  readonly message: string;
  /** The way out. */
  readonly hint?: string;
}

/**
 * Base of every error this package throws on purpose.
 * `message` says what was expected and what came; `hint` says what to do.
 */
export class SmolvlmError extends Error {
  readonly code: string;
  readonly hint?: string;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    if (options.hint !== undefined) this.hint = options.hint;
  }

  toJSON(): ErrorBody {
    return errorBody(this);
  }
}

/** Reduces anything thrown to the fields that may cross a process; unknown faults become `internal`. */
export function errorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof SmolvlmError || isErrorBody(thrown)) {
    const { code, message, hint } = thrown;
    return hint === undefined ? { code, message } : { code, message, hint };
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
}

/** One that came from another process. */
function isErrorBody(thrown: unknown): thrown is ErrorBody {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    !(thrown instanceof Error) &&
    'code' in thrown &&
    typeof thrown.code === 'string' &&
    'message' in thrown &&
    typeof thrown.message === 'string'
  );
}
