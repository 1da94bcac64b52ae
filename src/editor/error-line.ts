import type { ErrorBody } from '../errors';

/** How dialogs and sidebar show an error: what went wrong, and what to do. */
export function errorLine({ code, message, hint }: ErrorBody): JQuery {
  const line = $('<div>', { class: 'smolvlm-error', role: 'alert' });
  $('<code>').text(code).appendTo(line);
  $('<span>').text(` ${message}`).appendTo(line);
  if (hint) $('<div>').text(hint).appendTo(line);
  return line;
}
