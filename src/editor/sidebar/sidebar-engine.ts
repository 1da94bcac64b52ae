import type { ListedEngine } from '../../node-red/engine/engine-overview';
import type { EngineStatus, LoadedModel } from '../../protocol/engine-status';
import { editorBytes, editorLocale, editorNumber, type Translate } from '../editor-language';
import { editorFailure, errorLine } from '../error-line';
import { hubTable, queueLines } from './sidebar-group';

/** In characters; longer titles of the columns are turned. */
const shortTitle = 4;

/** What the sidebar shows of one engine. */
export class SidebarEngine {
  readonly element: JQuery;
  /** Sequence of the newest frame shown. */
  lastSequence = 0;
  readonly #translate: Translate;
  readonly #title: JQuery;
  readonly #state: JQuery;
  readonly #frames: JQuery;

  constructor(translate: Translate) {
    this.#translate = translate;
    this.#title = $('<div>', { class: 'smolvlm-engine-title' });
    this.#state = $('<div>', { class: 'smolvlm-engine-state' });
    this.#frames = $('<ol>', { class: 'smolvlm-frames', 'aria-label': translate('frames') });
    this.element = $('<section>', { class: 'smolvlm-engine' }).append(this.#title, this.#state, this.#frames);
  }

  /** @param engine an entry of the overview; its frames are only those that are new */
  update({
    name,
    id,
    model,
    place,
    state,
    status,
    group,
    error,
    frames,
    oldestSequence,
  }: ListedEngine): void {
    const translate = this.#translate;
    this.element.attr('data-engine', id);
    this.#title
      .empty()
      .append(
        $('<i>', { class: 'fa fa-circle', 'data-state': state, 'aria-hidden': 'true' }),
        $('<strong>').text(name || model || place || ''),
        $('<span>').text(translate(`state.${state}`)),
      );
    this.#state.empty();
    if (error) this.#state.append(errorLine(error));
    if (group) {
      this.#state.append(
        $('<div>', { class: 'smolvlm-engine-facts' }).text(place ?? ''),
        hubTable(group.hubs, translate),
        queueLines(group.queue, translate),
      );
    }
    if (status && !group) {
      this.#state.append(
        engineFacts(place ?? '', status, translate),
        modelLines(status, translate),
        coreBars(status, translate),
      );
    }
    if (status)
      this.#state.append(cameraCounts(status, group !== undefined, translate), this.#errors(status));
    this.#frames.children().each((_, item) => {
      if ($(item).data('sequence') < oldestSequence) $(item).remove();
    });
    for (const frame of frames) {
      this.#frames.prepend(this.#frame(frame));
      this.lastSequence = frame.sequence;
    }
  }

  /** The engine's newest errors, whichever program sent the request. */
  #errors({ lastErrors }: EngineStatus): JQuery[] {
    if (lastErrors.length === 0) return [];
    const translate = this.#translate;
    const lines = [...lastErrors]
      .reverse()
      .map(({ at, camera, error }) =>
        $('<div>').append(
          $('<span>', { class: 'smolvlm-frame-head' }).text(`${timeOfDay(at)} ${camera}`),
          errorLine(error),
        ),
      );
    const summary = $('<summary>').text(translate('errors', { number: lastErrors.length }));
    return [$('<details>', { class: 'smolvlm-errors' }).append(summary, lines)];
  }

  #frame(frame: ListedEngine['frames'][number]): JQuery {
    const { sequence, at, camera, prompt, text, totalMs, queuedMs = 0, fallback, thumbnail, error } = frame;
    const translate = this.#translate;
    const seconds = (ms: number): string => editorNumber(ms / 1000, ms > 0 && ms < 95 ? 2 : 1);
    const words = $('<div>', { class: 'smolvlm-frame-words' }).append(
      $('<div>', { class: 'smolvlm-frame-head' }).text(`${timeOfDay(at)} ${camera}`),
      error ? errorLine(error) : $('<div>', { title: prompt }).text(text ?? ''),
    );
    if (totalMs !== undefined) {
      const took = translate('took', { seconds: seconds(totalMs), queued: seconds(queuedMs) });
      $('<div>', { class: 'smolvlm-frame-head' }).text(took).appendTo(words);
    }
    if (fallback) {
      const message = editorFailure(fallback).words;
      $('<div>', { class: 'smolvlm-frame-fallback', title: fallback.message })
        .text(translate('onCpu', { message }))
        .appendTo(words);
    }
    const picture = thumbnail
      ? $('<img>', { src: `data:image/jpeg;base64,${thumbnail}`, alt: text ?? '' })
      : $('<i>', { class: 'fa fa-picture-o', 'aria-hidden': 'true' });
    return $('<li>')
      .data('sequence', sequence)
      .append($('<div>', { class: 'smolvlm-frame-picture' }).append(picture), words);
  }
}

function engineFacts(
  place: string,
  { version, uptimeMs, memory }: EngineStatus,
  translate: Translate,
): JQuery {
  return $('<div>', { class: 'smolvlm-engine-facts' }).append(
    $('<div>').text(
      translate('engine', {
        place: place === 'local' ? translate('local') : place,
        version,
        uptime: uptime(uptimeMs, translate),
      }),
    ),
    $('<div>').text(
      translate('memory', {
        used: editorBytes(memory.rssBytes),
        limit: editorBytes(memory.modelLimitBytes),
      }),
    ),
  );
}

function modelLines({ models }: EngineStatus, translate: Translate): JQuery[] {
  return models.map((loaded) => {
    const { model, backend, fallback, arithmetic } = loaded;
    const neighbours = neighbourText(loaded, translate);
    return $('<div>', { class: 'smolvlm-model' }).append(
      $('<div>').text(translate('model', { model, backend })),
      ...(neighbours === undefined ? [] : [$('<div>').text(neighbours)]),
      ...(fallback ? [errorLine(fallback)] : []),
      ...(arithmetic ? [errorLine(arithmetic)] : []),
    );
  });
}

/** Other programs on the NPU; where the CPU is used because of them, the reason of the fallback names them. */
function neighbourText(
  { npuSharedWith = [], npuSharing = 'share', fallback }: LoadedModel,
  translate: Translate,
): string | undefined {
  if (npuSharedWith.length === 0 || fallback?.code === 'npu-shared') return undefined;
  const programs = npuSharedWith.join(', ');
  return npuSharing === 'share'
    ? translate('npuSharedWith', { programs })
    : translate('npuRefused', { programs });
}

function coreBars({ coreLoad }: EngineStatus, translate: Translate): JQuery[] {
  if (coreLoad.length === 0) return [];
  const bars = coreLoad.map((share, core) => {
    const percent = Math.round(share * 100);
    const text = translate('core', { core, percent });
    return $('<div>', { class: 'smolvlm-core', role: 'meter', 'aria-valuenow': percent, title: text }).append(
      $('<div>', { class: 'smolvlm-core-load' }).width(`${percent}%`),
      $('<span>').text(text),
    );
  });
  return [$('<div>', { class: 'smolvlm-cores', 'aria-label': translate('cores') }).append(bars)];
}

/** @param isGroup frames of a group wait in the queue that its hubs share, which is shown apart */
function cameraCounts({ cameras }: EngineStatus, isGroup: boolean, translate: Translate): JQuery[] {
  const entries = Object.entries(cameras);
  if (entries.length === 0) return [];
  const ended = ['done', 'dropped', 'failed'] as const;
  const columns = isGroup ? ended : (['waiting', 'running', ...ended] as const);
  const titles = ['camera', ...columns].map((column) => translate(`queue.${column}`));
  const head = titles.map((title) => $('<th>', { scope: 'col' }).text(title));
  // Chinese words: short, and not to be read when they are turned.
  const areShort = titles.every((title) => title.length <= shortTitle);
  const rows = entries.map(([camera, counts]) => {
    const dropped = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
    const why = Object.entries(counts.dropped).map(([reason, number]) =>
      translate(`why.${reason}`, { number }),
    );
    return $('<tr>', { 'data-camera': camera }).append(
      $('<th>', { scope: 'row' }).text(camera || translate('noCamera')),
      columns.map((column) =>
        $('<td>', { 'data-count': column, title: column === 'dropped' ? why.join(', ') : '' }).text(
          column === 'dropped' ? dropped : counts[column],
        ),
      ),
    );
  });
  return [
    $('<table>', { class: `smolvlm-queues${areShort ? '' : ' smolvlm-turned'}` }).append(
      $('<thead>').append($('<tr>').append(head)),
      $('<tbody>').append(rows),
    ),
  ];
}

function timeOfDay(at: string): string {
  return new Date(at).toLocaleTimeString(editorLocale());
}

function uptime(ms: number, translate: Translate): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return translate('uptime.minutes', { number: minutes });
  return minutes < 48 * 60
    ? translate('uptime.hours', { number: Math.floor(minutes / 60) })
    : translate('uptime.days', { number: Math.floor(minutes / 1440) });
}
