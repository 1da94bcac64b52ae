import { SmolvlmError } from '../../errors';

/** A fault of a checkpoint folder or of one of its files; codes `checkpoint-…`. */
export class CheckpointError extends SmolvlmError {}
