import type { ErrorBody } from '../errors';
import { type FailureWords, failureWords } from '../failures/failure-words';
import { fieldLabel, sharedWord } from '../node-red/failures/shared-words';

/** An error in the editor's language. */
export function editorFailure(error: ErrorBody): FailureWords {
  return failureWords(
    error,
    (key, values) => sharedWord(RED, key, values),
    (field) => fieldLabel(RED, 'smolvlm-engine', field),
  );
}

/**
 * How dialogs and sidebar show an error: what went wrong, and what to do. A message may contain what a server answered:
 * it is always text, never markup.
 */
export function errorLine(error: ErrorBody): JQuery {
  const { words, wayOut, sentence } = editorFailure(error);
  const line = $('<div>', { class: 'smolvlm-error', role: 'alert', title: error.code });
  const code = $('<code>').text(error.code);
  if (sentence === undefined)
    return line.append(code, $('<span>').text(` ${words}`), $('<div>').text(wayOut));
  const english = $('<div>', { class: 'smolvlm-error-sentence', lang: 'en' }).append(
    code,
    $('<span>').text(` ${sentence}`),
  );
  return line.append($('<div>').text(words), $('<div>').text(wayOut), english);
}

/** What a request to Node-RED failed with, if it was not aborted. */
export function requestFailure({ status, statusText }: JQuery.jqXHR): ErrorBody {
  // The page of a proxy or a login, with status 200.
  if (status >= 200 && status < 300)
    return { code: 'engine-answer', message: 'expected data from Node-RED, received a page' };
  const message = status === 0 ? 'Node-RED did not respond' : `Node-RED answered ${status} ${statusText}`;
  return { code: `http-${status}`, message };
}
