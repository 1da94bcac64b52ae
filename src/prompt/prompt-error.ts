import { SmolvlmError } from '../errors';

/** A prompt, chat template or tokenizer that cannot be used. Codes start with `prompt-`. */
export class PromptError extends SmolvlmError {}
