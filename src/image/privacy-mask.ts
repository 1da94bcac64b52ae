import { ImageError } from '../picture/image-error';
import type { Polygon } from '../system/picture-shapes';
import type { RgbImage } from './rgb-image';

/** A polygon's side, in pixels, from its upper to its lower end; `turn` is the direction in which it was drawn. */
interface Side {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly turn: 1 | -1;
}

/**
 * Paints polygons black, in place. Covers every pixel that a polygon touches, including the areas that a self-crossing
 * polygon encloses (nonzero winding): a doubtful pixel is hidden.
 * @throws ImageError `image-mask` before anything is painted
 */
export function burnMasks(image: RgbImage, polygons: readonly Polygon[]): void {
  for (const polygon of polygons) checkPolygon(polygon);
  for (const polygon of polygons) {
    const sides = polygonSides(image, polygon);
    for (let row = 0; row < image.height; row++) {
      fillInside(image, row, sides);
      coverOutline(image, row, sides);
    }
  }
}

function checkPolygon(polygon: Polygon): void {
  const isFraction = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;
  if (
    !Array.isArray(polygon) ||
    polygon.length < 3 ||
    !polygon.every((point) => Array.isArray(point) && point.length === 2 && point.every(isFraction))
  ) {
    throw new ImageError(
      'image-mask',
      `expected a privacy polygon of at least three points [x, y] from 0 to 1, received ${JSON.stringify(polygon)}`,
      { hint: 'Points are fractions of the picture: divide pixels by its width and height.' },
    );
  }
}

function polygonSides({ width, height }: RgbImage, polygon: Polygon): Side[] {
  return polygon.map(([xa, ya], index) => {
    const [xb, yb] = polygon[(index + 1) % polygon.length] ?? [xa, ya];
    const down = ya <= yb;
    const [x1, y1, x2, y2] = down ? [xa, ya, xb, yb] : [xb, yb, xa, ya];
    return { x1: x1 * width, y1: y1 * height, x2: x2 * width, y2: y2 * height, turn: down ? 1 : -1 };
  });
}

/** The side's x at height y; y is between its ends. */
function sideX({ x1, y1, x2, y2 }: Side, y: number): number {
  return y2 === y1 ? x1 : x1 + ((y - y1) / (y2 - y1)) * (x2 - x1);
}

function fillInside(image: RgbImage, row: number, sides: readonly Side[]): void {
  const y = row + 0.5;
  const crossings = sides
    .filter((side) => side.y1 <= y && y < side.y2)
    .map((side) => ({ x: sideX(side, y), turn: side.turn }))
    .sort((a, b) => a.x - b.x);
  let winding = 0;
  let from = 0;
  for (const { x, turn } of crossings) {
    if (winding === 0) from = x;
    winding += turn;
    if (winding === 0) blacken(image, row, from, x);
  }
}

function coverOutline(image: RgbImage, row: number, sides: readonly Side[]): void {
  for (const side of sides) {
    const top = Math.max(row, side.y1);
    const bottom = Math.min(row + 1, side.y2);
    if (top > bottom) continue;
    const flat = side.y1 === side.y2;
    const xs = flat ? [side.x1, side.x2] : [sideX(side, top), sideX(side, bottom)];
    blacken(image, row, Math.min(...xs), Math.max(...xs));
  }
}

/** Every pixel of the row that [from, to] touches. */
function blacken({ width, data }: RgbImage, row: number, from: number, to: number): void {
  const first = Math.max(0, Math.floor(from));
  const last = Math.min(width, Math.max(Math.ceil(to), first + 1));
  data.fill(0, (row * width + first) * 3, (row * width + last) * 3);
}
