/** Whether an environment variable gives the value when the flow starts: it cannot be checked before. */
export function isFromEnvironment(value: unknown): boolean {
  return /^\$\{.+\}$/.test(String(value));
}

/**
 * Fills a select.
 * @param chosen as saved, even if it is not one of the choices; undefined in flows from before the field existed, which
 * is the first choice
 * @param label of a choice, in the editor's language
 */
export function showChoices(
  select: JQuery,
  choices: readonly string[],
  chosen: string | undefined,
  label: (choice: string) => string,
): void {
  select.empty();
  for (const choice of choices) $('<option>').val(choice).text(label(choice)).appendTo(select);
  // Not replaced by another one: the dialog marks it.
  if (chosen && !choices.includes(chosen)) $('<option>').val(chosen).text(chosen).appendTo(select);
  select.val(chosen ?? choices[0] ?? '');
}

/** Shows what belongs to a choice: elements whose `data-of` lists it. */
export function showOf(within: JQuery, choice: string): void {
  within.find('.smolvlm-of').each((_, element) => {
    $(element).toggle(String($(element).data('of')).split(' ').includes(choice));
  });
}

/** The text of a field. */
export function textOf(selector: string): string {
  return String($(selector).val() ?? '');
}
