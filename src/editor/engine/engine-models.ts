import type { ErrorBody } from '../../errors';
import { nearestName } from '../../node-red/engine/nearest-name';
import { familyNames } from '../../protocol/models/family-names';
import type {
  CachedModel,
  FetchableModel,
  FetchEvent,
  ModelInventory,
} from '../../protocol/models/model-cache';
import { editorNumber, type Translate } from '../editor-language';
import { errorLine, requestFailure } from '../error-line';
import { type DialogValues, engineRequest } from './engine-request';

type ListedModels =
  | (ModelInventory & { readonly error?: undefined })
  | { readonly error: ErrorBody; readonly fetchable?: undefined };

interface ModelsOptions {
  readonly place: JQuery;
  /** The field with the model's name. */
  readonly model: JQuery;
  readonly dialog: () => DialogValues;
  readonly translate: Translate;
  /** A model was fetched: a first picture can be described. */
  readonly onFetched: () => void;
}

/** What a dialog does with its list of models. */
export interface EngineModels {
  /** Lists the models of the engine that the dialog names now; a download from another one pauses. */
  reload(): void;
  /** The dialog closes: a download pauses. */
  close(): void;
}

const gigabytes = (bytes: number): string => editorNumber(bytes / 1e9, bytes < 1e9 ? 2 : 1);

/**
 * The models below the field "Model" of smolvlm-engine: what the engine's machine has, and what it can fetch. Nothing is
 * listed before the first `reload`.
 */
export function engineModels({ place, model, dialog, translate, onFetched }: ModelsOptions): EngineModels {
  const suggestion = $('<div>', {
    class: 'smolvlm-note',
    id: 'smolvlm-model-suggestion',
    'aria-live': 'polite',
  });
  const table = $('<table>', { class: 'smolvlm-models' });
  const progress = $('<div>', { class: 'smolvlm-models-progress', 'aria-live': 'polite' });
  const kept = $('<details>', { class: 'smolvlm-models-kept' });
  place.append(suggestion, progress, table, kept);
  let fetchable: readonly FetchableModel[] = [];
  let items: readonly CachedModel[] = [];
  let listing: JQuery.jqXHR | undefined;
  /** The model that `progress` is about. */
  let subject: string | undefined;
  let running: { readonly id: string; readonly request: JQuery.jqXHR } | undefined;

  const known = (): readonly string[] => [
    'demo',
    // The family's also while the engine's own list is not there: it may be out of reach.
    ...new Set([...familyNames, ...fetchable.map(({ id }) => id), ...pulled().map(({ name }) => name)]),
  ];
  const isElsewhere = (): boolean => dialog().location === 'remote';
  const pulled = (): readonly CachedModel[] => items.filter(({ kind }) => kind === 'checkpoint');

  function suggest(): void {
    suggestion.empty();
    const near = nearestName(String(model.val() ?? '').trim(), known());
    if (near === undefined) return;
    $('<a>', { href: '#', text: translate('models.meant', { model: near }) })
      .on('click', (event) => {
        event.preventDefault();
        choose(near);
      })
      .appendTo(suggestion);
  }

  function choose(id: string): void {
    model.val(id).trigger('change');
    suggest();
    draw();
  }

  function draw(): void {
    progress.insertAfter(suggestion);
    table.empty();
    for (const each of fetchable) row(each).appendTo(table);
    kept.empty().append($('<summary>').text(keptTitle()));
    for (const item of items) keptRow(item).appendTo(kept);
    kept.toggle(items.length > 0);
  }

  function row({ id, downloadBytes, memoryBytes, machineGb, suits }: FetchableModel): JQuery {
    const state = items.find(({ kind, name }) => name === id && kind !== 'bundle')?.kind;
    const isChosen = String(model.val() ?? '') === id;
    const facts = translate(state === 'checkpoint' ? 'models.factsHere' : 'models.facts', {
      size: gigabytes(downloadBytes),
      memory: editorNumber(memoryBytes / 1e9, 1),
      machine: machineGb,
      suits: translate(`models.suits.${suits}`),
    });
    const button = $('<button>', {
      type: 'button',
      class: 'red-ui-button red-ui-button-small',
      'data-model': id,
    });
    if (running?.id === id) button.text(translate('models.pause')).on('click', pause);
    else if (state === 'checkpoint')
      button
        .text(translate(isChosen ? 'models.chosen' : 'models.use'))
        .prop('disabled', isChosen)
        .on('click', () => choose(id));
    else
      button
        .text(translate(state === 'download' ? 'models.resume' : 'models.fetch'))
        .prop('disabled', running !== undefined)
        .on('click', () => fetchModel(id));
    return $('<tr>').append(
      $('<td>').append(
        $('<div>').text(id.slice(id.indexOf('/') + 1)),
        $('<div>', { class: 'smolvlm-models-facts' }).text(facts),
        ...(subject === id ? [progress] : []),
      ),
      $('<td>').append(button),
    );
  }

  function keptTitle(): string {
    const sum = items.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
    return translate(isElsewhere() ? 'models.keptThere' : 'models.kept', {
      count: items.length,
      size: gigabytes(sum),
    });
  }

  function keptRow({ kind, name, version, sizeBytes }: CachedModel): JQuery {
    const words = translate(`models.kind.${kind}`, { name, version, size: gigabytes(sizeBytes) });
    const remove = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' })
      .text(translate('models.remove'))
      .prop('disabled', running?.id === name)
      .on('click', () => load('smolvlm-engine/models/remove', { remove: name }));
    return $('<div>', { class: 'smolvlm-models-item' }).append($('<span>').text(words), remove);
  }

  function load(path: string, more: object = {}): void {
    listing?.abort();
    listing = engineRequest(path, { ...dialog(), ...more })
      .done((answer: ListedModels) => {
        if (answer.error) {
          progress.empty().append(errorLine(answer.error));
          return;
        }
        fetchable = answer.fetchable;
        items = answer.cached;
        draw();
        suggest();
      })
      .fail(showRefusal);
  }

  function showRefusal(xhr: JQuery.jqXHR, reason: string): void {
    if (reason !== 'abort') progress.empty().append(errorLine(requestFailure(xhr)));
  }

  function reload(): void {
    stop();
    progress.empty();
    subject = undefined;
    fetchable = [];
    items = [];
    draw();
    suggest();
    load('smolvlm-engine/models');
  }

  function fetchModel(id: string): void {
    let read = 0;
    subject = id;
    progress.empty().text(translate('models.asking', { model: id }));
    const request = engineRequest(
      'smolvlm-engine/models/fetch',
      { ...dialog(), fetch: id },
      undefined,
      (text) => {
        const end = text.lastIndexOf('\n') + 1;
        for (const line of text.slice(read, end).split('\n')) if (line !== '') show(id, JSON.parse(line));
        read = end;
      },
    );
    running = { id, request };
    draw();
    request.fail(showRefusal).always(() => {
      if (running?.request !== request) return;
      running = undefined;
      load('smolvlm-engine/models');
    });
  }

  /** Ends what runs, without another list. */
  function stop(): void {
    listing?.abort();
    const { request } = running ?? {};
    running = undefined;
    request?.abort();
  }

  function pause(): void {
    progress.text(translate('models.paused'));
    running?.request.abort();
  }

  function show(id: string, event: FetchEvent): void {
    switch (event.type) {
      case 'progress': {
        const { doneBytes, totalBytes } = event;
        const percent = Math.floor((100 * doneBytes) / Math.max(1, totalBytes));
        progress.empty().append(
          $('<progress>', { max: totalBytes, value: doneBytes }),
          $('<div>').text(
            translate('models.progress', {
              percent,
              done: gigabytes(doneBytes),
              total: gigabytes(totalBytes),
            }),
          ),
        );
        break;
      }
      case 'done':
        progress.text(
          translate(isElsewhere() ? 'models.doneThere' : 'models.done', {
            model: id,
            tab: translate('tab.try'),
          }),
        );
        choose(id);
        onFetched();
        break;
      case 'error':
        progress.empty().append(errorLine(event.error));
        break;
    }
  }

  model.on('input', suggest);
  return { reload, close: stop };
}
