import type { ListedHub, ListedQueue } from '../../node-red/engine/engine-overview';
import { editorNumber, type Translate } from '../editor-language';

/** One row for each hub of a group. */
export function hubTable(hubs: readonly ListedHub[], translate: Translate): JQuery[] {
  if (hubs.length === 0) return [];
  const rows = hubs.map(({ name, backends, load, lastMinute }) =>
    $('<tr>', { 'data-hub': name }).append(
      $('<th>', { scope: 'row' }).text(name),
      $('<td>').text(backends.join(', ') || translate('noModel')),
      $('<td>').text(load === undefined ? '–' : translate('percent', { percent: Math.round(load * 100) })),
      $('<td>').text(lastMinute),
    ),
  );
  return [
    table('smolvlm-hubs', [
      translate('hub.name'),
      translate('hub.backend'),
      translate('hub.load'),
      translate('hub.lastMinute'),
    ]).append($('<tbody>').append(rows)),
  ];
}

/** The frames in the queue that the hubs share. */
export function queueLines(queue: ListedQueue | undefined, translate: Translate): JQuery[] {
  const line = (text: string): JQuery => $('<div>', { class: 'smolvlm-shared-queue' }).text(text);
  if (!queue) return [line(translate('shared.unknown'))];
  const { cameras, working, redelivered, oldestMs } = queue;
  const entries = Object.entries(cameras);
  if (entries.length === 0) return [line(translate('shared.empty'))];
  const rows = entries.map(([camera, count]) =>
    $('<tr>', { 'data-queue': camera }).append(
      $('<th>', { scope: 'row' }).text(camera || translate('noCamera')),
      $('<td>').text(count),
    ),
  );
  const counts = translate('shared.counts', { working, redelivered });
  const oldest =
    oldestMs === undefined
      ? []
      : [line(translate('shared.oldest', { seconds: editorNumber(oldestMs / 1000, 2) }))];
  return [
    table('smolvlm-shared', [translate('queue.camera'), translate('shared.frames')]).append(
      $('<tbody>').append(rows),
    ),
    line(counts),
    ...oldest,
  ];
}

function table(className: string, columns: readonly string[]): JQuery {
  const head = columns.map((column) => $('<th>', { scope: 'col' }).text(column));
  return $('<table>', { class: `smolvlm-queues ${className}` }).append(
    $('<thead>').append($('<tr>').append(head)),
  );
}
