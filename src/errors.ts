/** What crosses a process boundary of any error of this package. */
export interface ErrorBody {
  /** Stable, kebab-case, room first: `image-html`, `checkpoint-truncated`, `engine-lost`. */
  readonly code: string;
  /** One sentence that names the thing and the value. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Index of the picture at fault, in a request with several. */
  readonly picture?: number;
}

export interface ErrorDetails {
  readonly hint?: string | undefined;
  readonly picture?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Base of every error this package throws on purpose.
 * `message` says what was expected and what came; `hint` says what to do.
 */
export class SmolvlmError extends Error {
  readonly code: string;
  readonly hint?: string;
  readonly picture?: number;

  constructor(code: string, message: string, { hint, picture, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    if (hint !== undefined) this.hint = hint;
    if (picture !== undefined) this.picture = picture;
  }

  /** An error again from the body that another process or thread sent, or from anything thrown. */
  static from(thrown: unknown): SmolvlmError {
    if (thrown instanceof SmolvlmError) return thrown;
    const { code, message, hint, picture } = errorBody(thrown);
    return new SmolvlmError(code, message, {
      hint,
      picture,
      cause: thrown instanceof Error ? thrown : undefined,
    });
  }

  toJSON(): ErrorBody {
    return errorBody(this);
  }
}

/** Reduces anything thrown to the fields that may cross a process; unknown faults become `internal`. */
export function errorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof SmolvlmError || isErrorBody(thrown)) {
    const { code, message, hint, picture } = thrown;
    return {
      ...{ code, message },
      ...(hint !== undefined && { hint }),
      ...(picture !== undefined && { picture }),
    };
  }
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
}

/** Whether a value is the body of an error that another process or thread sent. */
export function isErrorBody(value: unknown): value is ErrorBody {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Error) &&
    'code' in value &&
    typeof value.code === 'string' &&
    'message' in value &&
    typeof value.message === 'string'
  );
}
