import { SmolvlmError } from '../errors';

/** A picture that cannot be had, read or used. Codes start with `image-`. */
export class ImageError extends SmolvlmError {}
