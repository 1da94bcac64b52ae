import type { TimelineClient } from './timeline-client';

/** Loads thumbnails that are near the screen, and releases those that are far away. Fetched, since an `img` sends no token. */
export class PictureLoader {
  readonly #client: TimelineClient;
  readonly #ids = new WeakMap<Element, string>();
  readonly #loading = new Map<Element, AbortController>();
  readonly #observer: IntersectionObserver;

  constructor(client: TimelineClient) {
    this.#client = client;
    this.#observer = new IntersectionObserver(
      (seen) => {
        for (const { target, isIntersecting } of seen) {
          if (isIntersecting) void this.#load(target as HTMLImageElement);
          else this.#release(target as HTMLImageElement);
        }
      },
      { rootMargin: '600px' },
    );
  }

  watch(image: HTMLImageElement, id: string): void {
    this.#ids.set(image, id);
    this.#observer.observe(image);
  }

  forget(image: HTMLImageElement): void {
    this.#observer.unobserve(image);
    this.#release(image);
  }

  async #load(image: HTMLImageElement): Promise<void> {
    const id = this.#ids.get(image);
    if (id === undefined || image.src !== '' || this.#loading.has(image)) return;
    const stop = new AbortController();
    this.#loading.set(image, stop);
    try {
      const blob = await this.#client.image(id, 'thumbnail', stop.signal);
      showBlob(image, blob);
    } catch {
      // Retention has deleted it, or it left the screen: the frame stays grey.
    } finally {
      if (this.#loading.get(image) === stop) this.#loading.delete(image);
    }
  }

  #release(image: HTMLImageElement): void {
    this.#loading.get(image)?.abort();
    this.#loading.delete(image);
    releaseBlob(image);
  }
}

export function showBlob(image: HTMLImageElement, blob: Blob): void {
  releaseBlob(image);
  image.src = URL.createObjectURL(blob);
}

export function releaseBlob(image: HTMLImageElement): void {
  if (!image.src.startsWith('blob:')) return;
  URL.revokeObjectURL(image.src);
  image.removeAttribute('src');
}
