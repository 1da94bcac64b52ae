import type { HubCounts } from '../hub-status';
import type { QueueStatus } from '../queue-status';

/** A hub's and its queue's metrics in Prometheus' text format. */
export function hubMetrics(working: number, counts: HubCounts, queue: QueueStatus | undefined): string {
  const lines = [
    ...metric('smolvlm_hub_frames_in_work', 'gauge', 'Frames of the shared queue in progress', working),
    ...metric(
      'smolvlm_hub_answered_total',
      'counter',
      'Frames of the shared queue answered by this hub',
      counts.answered,
    ),
    ...metric(
      'smolvlm_hub_redelivered_total',
      'counter',
      'Frames that another hub had taken before',
      counts.redelivered,
    ),
    ...metric('smolvlm_hub_returned_total', 'counter', 'Frames returned to the queue', counts.returned),
  ];
  if (!queue) return lines.join('\n');
  const { cameras, redelivered, oldestMs = 0 } = queue;
  lines.push(
    ...head('smolvlm_queue_frames', 'gauge', 'Frames in the shared queue that wait or are in progress'),
    ...Object.entries(cameras).map(
      ([camera, count]) => `smolvlm_queue_frames{camera="${label(camera)}"} ${count}`,
    ),
    ...metric(
      'smolvlm_queue_redelivered',
      'gauge',
      'Frames in progress that a hub had taken before',
      redelivered,
    ),
    ...metric(
      'smolvlm_queue_oldest_seconds',
      'gauge',
      'Age of the oldest frame in the queue',
      oldestMs / 1000,
    ),
  );
  return lines.join('\n');
}

function metric(name: string, type: 'gauge' | 'counter', help: string, value: number): string[] {
  return [...head(name, type, help), `${name} ${value}`];
}

function head(name: string, type: 'gauge' | 'counter', help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function label(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
