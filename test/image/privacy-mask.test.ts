import assert from 'node:assert/strict';
import { burnMasks } from '../../src/image/privacy-mask';
import type { RgbImage } from '../../src/image/rgb-image';
import type { Polygon } from '../../src/system/picture-shapes';

function white(width: number, height: number): RgbImage {
  return { width, height, data: new Uint8Array(width * height * 3).fill(255) };
}

/** Rows of `#` (black) and `.` (untouched). */
function drawn(width: number, height: number, ...masks: Polygon[]): string[] {
  const image = white(width, height);
  burnMasks(image, masks);
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, col) => {
      const pixel = image.data.subarray((row * width + col) * 3, (row * width + col) * 3 + 3);
      assert.ok(
        pixel.every((value) => value === pixel[0]),
        'a pixel is covered whole',
      );
      return pixel[0] === 0 ? '#' : '.';
    }).join(''),
  );
}

describe('burnMasks', () => {
  it('covers every pixel that a polygon touches, even partly', () => {
    const mask: Polygon = [
      [0.26, 0.26],
      [0.51, 0.26],
      [0.51, 0.51],
      [0.26, 0.51],
    ];
    assert.deepEqual(drawn(4, 4, mask), ['....', '.##.', '.##.', '....']);
  });

  it('covers a polygon thinner than a pixel', () => {
    assert.deepEqual(
      drawn(4, 2, [
        [0, 0.1],
        [1, 0.1],
        [1, 0.11],
      ]),
      ['####', '....'],
    );
  });

  it('covers what a self-crossing polygon encloses', () => {
    const star: Polygon = [
      [0.5, 0],
      [0.8, 1],
      [0, 0.35],
      [1, 0.35],
      [0.2, 1],
    ];
    assert.equal(drawn(20, 20, star)[10]?.[10], '#');
  });

  it('covers the whole picture, and several polygons', () => {
    assert.deepEqual(
      drawn(2, 2, [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ]),
      ['##', '##'],
    );
    assert.deepEqual(
      drawn(
        4,
        1,
        [
          [0, 0],
          [0.2, 0],
          [0.2, 1],
        ],
        [
          [0.8, 0],
          [1, 0],
          [1, 1],
        ],
      ),
      ['#..#'],
    );
  });

  for (const [name, mask] of [
    [
      'two points',
      [
        [0, 0],
        [1, 1],
      ],
    ],
    [
      'pixels instead of fractions',
      [
        [0, 0],
        [640, 0],
        [640, 480],
      ],
    ],
    [
      'what is not a number',
      [
        [0, 0],
        [Number.NaN, 0],
        [1, 1],
      ],
    ],
  ] as [string, Polygon][]) {
    it(`refuses ${name} before anything is painted`, () => {
      const image = white(4, 4);
      const valid: Polygon = [
        [0, 0],
        [1, 0],
        [1, 1],
      ];
      assert.throws(() => burnMasks(image, [valid, mask]), { code: 'image-mask' });
      assert.ok(image.data.every((value) => value === 255));
    });
  }
});
