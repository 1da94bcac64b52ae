import { unsupported } from './sampling-fields';

export interface ToolFields {
  readonly tools?: readonly unknown[] | null;
  readonly tool_choice?: unknown;
  readonly functions?: readonly unknown[] | null;
  readonly function_call?: unknown;
}

const list = { type: ['array', 'null'] } as const;

export const toolProperties = {
  tools: list,
  tool_choice: { type: ['string', 'object', 'null'] },
  functions: list,
  function_call: { type: ['string', 'object', 'null'] },
} as const;

/** Refuses tools that the model could be expected to call. @throws FieldError */
export function refuseTools({ tools, tool_choice, functions, function_call }: ToolFields): void {
  const hint = 'This engine calls no tools: use response_format with a JSON schema, or tool_choice "none".';
  if (tools && tools.length > 0 && tool_choice !== 'none') throw unsupported('tools', hint);
  if (functions && functions.length > 0 && function_call !== 'none') throw unsupported('functions', hint);
  if (typeof tool_choice === 'object' && tool_choice !== null) throw unsupported('tool_choice', hint);
  if (tool_choice === 'required') throw unsupported('tool_choice', hint);
}
