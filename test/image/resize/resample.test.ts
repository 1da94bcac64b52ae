import assert from 'node:assert/strict';
import fc from 'fast-check';
import { lanczosKernel } from '../../../src/image/resize/lanczos-kernel';
import { resample } from '../../../src/image/resize/resample';
import type { RgbImage } from '../../../src/image/rgb-image';

/** One output byte by the definition: the kernel's weighted sum, rounded from 22 fractional bits, within 0 … 255. */
function weightedSum(size: number, to: number, position: number, byteAt: (at: number) => number): number {
  const { taps, starts, counts, weights } = lanczosKernel(size, to);
  let sum = 2 ** 21;
  for (let tap = 0; tap < (counts[position] ?? 0); tap++) {
    sum += byteAt((starts[position] ?? 0) + tap) * (weights[position * taps + tap] ?? 0);
  }
  return Math.min(255, Math.max(0, Math.floor(sum / 2 ** 22)));
}

function widthByDefinition(image: RgbImage, width: number): RgbImage {
  if (width === image.width) return image;
  const data = new Uint8Array(width * image.height * 3);
  data.forEach((_, at) => {
    const [y, x, channel] = [Math.floor(at / (width * 3)), Math.floor(at / 3) % width, at % 3];
    data[at] = weightedSum(
      image.width,
      width,
      x,
      (from) => image.data[(y * image.width + from) * 3 + channel] ?? 0,
    );
  });
  return { width, height: image.height, data };
}

function heightByDefinition(image: RgbImage, height: number): RgbImage {
  if (height === image.height) return image;
  const stride = image.width * 3;
  const data = new Uint8Array(stride * height);
  data.forEach((_, at) => {
    const byteAt = (from: number): number => image.data[from * stride + (at % stride)] ?? 0;
    data[at] = weightedSum(image.height, height, Math.floor(at / stride), byteAt);
  });
  return { width: image.width, height, data };
}

/** A picture of hard edges: sums go below 0 and above 255. */
function noise(width: number, height: number): RgbImage {
  let state = width * 31 + height;
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state & 0x40000 ? 255 : (state >> 8) & 1 ? 0 : (state >> 12) & 255;
  });
  return { width, height, data };
}

function byDefinition(image: RgbImage, width: number, height: number): RgbImage {
  const columnsFirst = image.height > height && image.height - height > 2 * (image.width - width);
  return columnsFirst
    ? widthByDefinition(heightByDefinition(image, height), width)
    : heightByDefinition(widthByDefinition(image, width), height);
}

describe('resample', () => {
  it('gives the bytes of the definition for pictures of any size', () => {
    const side = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(side, side, side, side, (width, height, toWidth, toHeight) => {
        const image = noise(width, height);
        assert.deepEqual(
          resample(image, toWidth, toHeight).data,
          byDefinition(image, toWidth, toHeight).data,
        );
      }),
      { numRuns: 60, seed: 20261127 },
    );
  });

  // More input rows for one output row, or longer rows, than the module keeps in memory at a time.
  for (const [width, height, toWidth, toHeight] of [
    [3, 30_000, 5, 2],
    [30_000, 3, 2, 5],
    [1, 20_000, 3, 7],
    [900, 1300, 1, 1],
  ] as const) {
    it(`gives the bytes of the definition from ${width}×${height} to ${toWidth}×${toHeight}`, () => {
      const image = noise(width, height);
      const actual = resample(image, toWidth, toHeight).data;
      assert.deepEqual(actual, byDefinition(image, toWidth, toHeight).data);
    });
  }

  it('returns pictures that later calls do not change', () => {
    const first = resample(noise(40, 30), 20, 15);
    const kept = Uint8Array.from(first.data);
    resample(noise(400, 300), 200, 150);
    assert.deepEqual(first.data, kept);
  });

  it('does not change the picture', () => {
    const image = noise(40, 30);
    resample(image, 17, 17);
    assert.deepEqual(image.data, noise(40, 30).data);
  });
});
