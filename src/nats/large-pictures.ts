import type { ObjectStore } from '@nats-io/obj';
import { SmolvlmError } from '../errors';
import { limits } from '../protocol/limits';
import { type NatsLink, words } from './nats-connection';
import { permissionError } from './nats-permission';

/** Room that a message's headers and subject need within the server's limit. */
const overheadBytes = 4096;

/** Whether a message of this size must go through the Object Store. */
export function exceedsMessage({ connection }: NatsLink, sizeBytes: number): boolean {
  return sizeBytes + overheadBytes > (connection.info?.max_payload ?? 1024 * 1024);
}

/** Contents of messages above the server's limit, in its Object Store. */
export class LargePictures {
  readonly #link: NatsLink;
  #store: Promise<ObjectStore> | undefined;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  /** Creates the bucket if there is none. @returns the name of its stream */
  async ensure(): Promise<string> {
    const { streamInfo } = await (await this.#open()).status();
    return streamInfo.config.name;
  }

  /** @throws SmolvlmError `nats-publish` */
  async put(name: string, content: Uint8Array): Promise<void> {
    try {
      await this.#use((store) => store.putBlob({ name }, content));
    } catch (cause) {
      throw (
        permissionError(cause) ??
        new SmolvlmError('nats-publish', `a large picture could not be stored: ${words(cause)}`, {
          hint: 'Check the free space on the NATS server’s disk.',
          cause,
        })
      );
    }
  }

  /** @throws SmolvlmError `nats-message` */
  async get(name: string): Promise<Uint8Array> {
    const content = await this.#use((store) => store.getBlob(name));
    if (content) return content;
    throw new SmolvlmError('nats-message', "the request's picture has been removed from the Object Store");
  }

  async remove(name: string): Promise<void> {
    await this.#open()
      .then((store) => store.delete(name))
      .catch(() => {});
  }

  /** Makes the bucket again if somebody has deleted it. */
  async #use<T>(act: (store: ObjectStore) => Promise<T>): Promise<T> {
    const store = await this.#open();
    try {
      return await act(store);
    } catch (error) {
      const { StreamNotFound } = this.#link.packages.jetstream.JetStreamApiCodes;
      const isLost = error instanceof Error && 'code' in error && error.code === StreamNotFound;
      const isSilent = error instanceof Error && error.name === 'NoRespondersError';
      if (!isLost && !isSilent) throw error;
      this.#store = undefined;
      return await act(await this.#open());
    }
  }

  #open(): Promise<ObjectStore> {
    const { packages, connection, subjects, replicas } = this.#link;
    this.#store ??= new packages.objects.Objm(connection)
      .create(subjects.pictureBucket, { ttl: limits.deadlineMs * 1_000_000, replicas: replicas.count })
      .catch((error: unknown) => {
        this.#store = undefined;
        throw error;
      });
    return this.#store;
  }
}
