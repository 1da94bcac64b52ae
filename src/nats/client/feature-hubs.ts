import { SmolvlmError } from '../../errors';
import { type FeatureHandle, featuresGone } from '../../protocol/features';

/** Features whose hub is remembered. */
const mostHandles = 1000;

/** Which hub keeps which features. */
export class FeatureHubs {
  /** Instance of the hub's engine by the handle's id, oldest first. */
  readonly #hubs = new Map<string, string>();

  add(handles: readonly FeatureHandle[]): void {
    for (const { id, engine } of handles) {
      this.#hubs.delete(id);
      this.#hubs.set(id, engine);
    }
    for (const id of this.#hubs.keys()) {
      if (this.#hubs.size <= mostHandles) return;
      this.#hubs.delete(id);
    }
  }

  /** @returns the one hub that keeps all of them @throws SmolvlmError `features-gone` */
  hubOf(handles: readonly string[]): string {
    const hub = this.#hubs.get(handles[0] ?? '');
    if (hub !== undefined && handles.every((handle) => this.#hubs.get(handle) === hub)) return hub;
    throw new SmolvlmError(featuresGone, 'these features are kept by different hubs, or by none');
  }
}
