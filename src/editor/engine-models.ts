import type { ErrorBody } from '../errors';
import {
  type CachedItem,
  type FamilyModel,
  type FetchEvent,
  familyModels,
  nearestName,
} from '../node-red/engine/model-family';
import { editorNumber, type Translate } from './editor-language';
import { type DialogValues, engineRequest } from './engine-request';
import { errorLine } from './error-line';

type CachedModels =
  | { readonly items: readonly CachedItem[]; readonly error?: undefined }
  | { readonly error: ErrorBody };

interface ModelsOptions {
  readonly place: JQuery;
  /** The field with the model's name. */
  readonly model: JQuery;
  readonly dialog: () => DialogValues;
  readonly translate: Translate;
  /** A model was fetched: a first picture can be described. */
  readonly onFetched: () => void;
}

const gigabytes = (bytes: number): string => editorNumber(bytes / 1e9, bytes < 1e9 ? 2 : 1);

/**
 * The models below the field "Model" of smolvlm-engine: what this machine has, and what can be fetched.
 * @returns what pauses a running download, for when the dialog closes
 */
export function engineModels({ place, model, dialog, translate, onFetched }: ModelsOptions): () => void {
  const suggestion = $('<div>', {
    class: 'smolvlm-note',
    id: 'smolvlm-model-suggestion',
    'aria-live': 'polite',
  });
  const table = $('<table>', { class: 'smolvlm-models' });
  const progress = $('<div>', { class: 'smolvlm-models-progress', 'aria-live': 'polite' });
  const kept = $('<details>', { class: 'smolvlm-models-kept' });
  place.append(suggestion, table, progress, kept);
  let items: readonly CachedItem[] = [];
  let running: { readonly id: string; readonly request: JQuery.jqXHR } | undefined;

  const known = (): readonly string[] => [
    'demo',
    ...new Set([...familyModels.map(({ id }) => id), ...pulled().map(({ name }) => name)]),
  ];
  const pulled = (): readonly CachedItem[] => items.filter(({ kind }) => kind === 'checkpoint');

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
    table.empty();
    for (const each of familyModels) row(each).appendTo(table);
    kept.empty().append($('<summary>').text(keptTitle()));
    for (const item of items) keptRow(item).appendTo(kept);
    kept.toggle(items.length > 0);
  }

  function row({ id, downloadBytes, memoryGb, note }: FamilyModel): JQuery {
    const state = items.find(({ kind, name }) => name === id && kind !== 'bundle')?.kind;
    const isChosen = String(model.val() ?? '') === id;
    const facts = translate('models.facts', {
      size: gigabytes(downloadBytes),
      memory: editorNumber(memoryGb, 1),
      note: translate(`models.note.${note}`),
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
      ),
      $('<td>').append(button),
    );
  }

  function keptTitle(): string {
    const sum = items.reduce((total, { size_bytes }) => total + size_bytes, 0);
    return translate('models.kept', { count: items.length, size: gigabytes(sum) });
  }

  function keptRow({ kind, name, version, size_bytes }: CachedItem): JQuery {
    const words = translate(`models.kind.${kind}`, { name, version, size: gigabytes(size_bytes) });
    const remove = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' })
      .text(translate('models.remove'))
      .on('click', () => load('smolvlm-engine/models/remove', { remove: name }));
    return $('<div>', { class: 'smolvlm-models-item' }).append($('<span>').text(words), remove);
  }

  function load(path: string, more: object = {}): void {
    engineRequest(path, { ...dialog(), ...more }).done((answer: CachedModels) => {
      if (answer.error) {
        progress.empty().append(errorLine(answer.error));
        return;
      }
      items = answer.items;
      draw();
      suggest();
    });
  }

  function fetchModel(id: string): void {
    let read = 0;
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
    request.always(() => {
      running = undefined;
      load('smolvlm-engine/models');
    });
  }

  function pause(): void {
    running?.request.abort();
    progress.text(translate('models.paused'));
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
        progress.text(translate('models.done', { model: id }));
        choose(id);
        onFetched();
        break;
      case 'error':
        progress.empty().append(errorLine(event.error));
        break;
    }
  }

  model.on('input', suggest);
  draw();
  load('smolvlm-engine/models');
  return () => running?.request.abort();
}
