/**
 * A node's fields as its dialog writes them: numbers as text, none that is null, a JSON schema as text. Flows that are
 * written by hand have the other forms too. Ticks and lists stay what they are.
 */
export function dialogValues<Dialog extends object>(config: Dialog): Dialog {
  const values = Object.entries(config).flatMap(([name, value]): [string, unknown][] => {
    if (value === null) return [];
    if (typeof value === 'number') return [[name, String(value)]];
    return [[name, name === 'schema' && typeof value === 'object' ? JSON.stringify(value) : value]];
  });
  return Object.fromEntries(values) as Dialog;
}

/** The dialog's text or, if that is blank, the message's. */
export function dialogText(dialog: string | undefined, message: unknown): string {
  return dialog?.trim() || (typeof message === 'string' ? message.trim() : '');
}
