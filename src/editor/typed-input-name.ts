/** Names a typed input's own field and buttons by the label of its row, for screen readers: the editor does not. */
export function nameTypedInput(field: JQuery): void {
  const container = field.next('.red-ui-typedInput-container');
  const label = container.closest('.form-row').children('label').first();
  const id = `smolvlm-label-of-${field.attr('id')}`;
  label.attr('id', id);
  container.find('.red-ui-typedInput-input, .red-ui-typedInput-option-expand').attr('aria-labelledby', id);
}
