import type { ErrorBody } from '../../errors';
import type { FoundEngine } from '../../protocol/found-engine';
import type { Translate } from '../editor-language';
import { errorLine, requestFailure } from '../error-line';
import { type DialogValues, engineRequest } from './engine-request';

type FoundEngines =
  | { readonly error: ErrorBody }
  | { readonly error?: undefined; readonly engines: readonly FoundEngine[] };

/**
 * The button "Find engines" below the address of smolvlm-engine: lists the engines of the network, and hands over the
 * one that is picked.
 */
export function engineFinder(
  place: JQuery,
  dialog: () => DialogValues,
  translate: Translate,
  onPick: (engine: FoundEngine) => void,
): void {
  const button = $('<button>', { type: 'button', class: 'red-ui-button', id: 'smolvlm-engine-find' })
    .append($('<i>', { class: 'fa fa-search' }), ' ', $('<span>').text(translate('find.button')))
    .appendTo($('<div>', { class: 'form-row' }).appendTo(place));
  const found = $('<div>', { class: 'smolvlm-find form-row', 'aria-live': 'polite' }).appendTo(place);

  button.on('click', () => {
    button.prop('disabled', true);
    found.empty().append($('<i>', { class: 'fa fa-spinner fa-spin' }), ` ${translate('find.asking')}`);
    engineRequest('smolvlm-engine/find', dialog())
      .done((answer: FoundEngines) => {
        found.empty().append(answer.error ? errorLine(answer.error) : list(answer.engines));
      })
      .fail((xhr) => {
        found.empty().append(errorLine(requestFailure(xhr)));
      })
      .always(() => button.prop('disabled', false));
  });

  function list(engines: readonly FoundEngine[]): JQuery {
    if (engines.length === 0) return $('<div>').text(translate('find.none'));
    return $('<ul>', { class: 'smolvlm-find-list' }).append(engines.map(row));
  }

  /** As text: any machine on the network can have sent it. */
  function row(engine: FoundEngine): JQuery {
    const { host, url, version, model, tls, fingerprint } = engine;
    const address = url.replace(/\/#.*$/s, '');
    const use = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' })
      .text(translate('find.use'))
      .attr('aria-label', `${translate('find.use')} ${address}`)
      .on('click', () => {
        onPick(engine);
        found.empty().text(translate(fingerprint === undefined ? 'find.picked' : 'find.pinned'));
      });
    const facts = [
      translate('find.version', { version }),
      ...(model === undefined ? [] : [model]),
      ...(tls ? [] : [translate('find.plain')]),
    ].join(', ');
    const lines = [facts, ...(fingerprint === undefined ? [] : [`SHA-256 ${fingerprint}`])];
    return $('<li>').append(
      use,
      ' ',
      $('<strong>').text(host),
      ' ',
      $('<span>').text(address),
      lines.map((line) => $('<div>', { class: 'smolvlm-find-facts' }).text(line)),
    );
  }
}
