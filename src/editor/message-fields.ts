/** Turns a field of the dialog into a typed input, with its type in the field `…Type`. */
function messageField(name: string, types: readonly string[]): void {
  $(`#node-input-${name}`).typedInput({ default: 'msg', typeField: $(`#node-input-${name}Type`), types });
}

/** The fields that say where in a message the picture and its camera are. */
export function messageFields(): void {
  messageField('image', ['msg', 'flow', 'global', 'str', 'jsonata', 'env']);
  messageField('camera', ['msg', 'str', 'flow', 'global', 'jsonata', 'env']);
}
