import type { CameraStatus, EngineStatus } from '../protocol/engine-status';
import type { DropReason } from '../protocol/events';

/** What a hub says about itself. */
export interface HubStatus extends HubCounts {
  /** Name of its machine. */
  readonly hub: string;
  readonly engine: EngineStatus;
  /** Models whose frames it takes; `_` for frames that name none. */
  readonly takes: readonly string[];
  /** Frames in progress. */
  readonly working: number;
  /** Frames answered in the last minute. */
  readonly lastMinute: number;
}

/** What a hub has done since its start. */
export interface HubCounts {
  readonly answered: number;
  /** Frames that another hub had taken before. */
  readonly redelivered: number;
  /** Frames returned to the queue. */
  readonly returned: number;
}

/** Host name and process, e.g. `attic:812`. */
export function hubName({ hub, engine }: HubStatus): string {
  return `${hub}:${engine.pid}`;
}

/** Backends of its loaded models, each once. */
export function hubBackends({ engine }: HubStatus): readonly string[] {
  return [...new Set(engine.models.map(({ backend }) => backend))];
}

/** Mean load of its NPU's cores, 0 to 1; undefined without an NPU. */
export function hubLoad({ engine: { coreLoad } }: HubStatus): number | undefined {
  return coreLoad.length === 0
    ? undefined
    : coreLoad.reduce((sum, share) => sum + share, 0) / coreLoad.length;
}

/** The status of a group of hubs, as one engine's. */
export function groupStatus(hubs: readonly HubStatus[]): EngineStatus | undefined {
  const engines = hubs.map(({ engine }) => engine);
  const [first] = engines;
  if (!first) return undefined;
  const sum = (of: (engine: EngineStatus) => number): number =>
    engines.reduce((total, engine) => total + of(engine), 0);
  const cameras: Record<string, CameraStatus> = {};
  for (const engine of engines) {
    for (const [camera, status] of Object.entries(engine.cameras)) {
      cameras[camera] = addCamera(cameras[camera], status);
    }
  }
  return {
    ...first,
    state: engines.some(({ state }) => state === 'ready') ? 'ready' : 'stopping',
    uptimeMs: Math.max(...engines.map(({ uptimeMs }) => uptimeMs)),
    leases: sum(({ leases }) => leases),
    models: engines.flatMap(({ models }) => models),
    cameras,
    coreLoad: engines.flatMap(({ coreLoad }) => coreLoad),
    memory: {
      rssBytes: sum(({ memory }) => memory.rssBytes),
      modelLimitBytes: sum(({ memory }) => memory.modelLimitBytes),
    },
    lastErrors: engines
      .flatMap(({ lastErrors }) => lastErrors)
      .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
  };
}

function addCamera(before: CameraStatus | undefined, more: CameraStatus): CameraStatus {
  if (!before) return more;
  const dropped: Partial<Record<DropReason, number>> = { ...before.dropped };
  for (const [reason, count] of Object.entries(more.dropped) as [DropReason, number][]) {
    dropped[reason] = (dropped[reason] ?? 0) + count;
  }
  return {
    waiting: before.waiting + more.waiting,
    running: before.running + more.running,
    done: before.done + more.done,
    failed: before.failed + more.failed,
    dropped,
  };
}
