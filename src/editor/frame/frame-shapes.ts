import type { Point } from '../../system/picture-shapes';

export type { Point };

/** A rectangle that is being drawn, in fractions of the picture's width and height. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Zone extends Rectangle {
  name: string;
}

/** What is drawn on a picture: polygons to black out, and rectangles to cut out. */
export interface FrameShapes {
  readonly masks: Point[][];
  readonly zones: Zone[];
}

/** A fraction of the picture; four digits are a tenth of a pixel at 1000. */
export function rounded(value: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * 10000) / 10000;
}

/** The rectangle between two opposite corners. */
export function rectangle([ax, ay]: Point, [bx, by]: Point): Rectangle {
  return {
    x: Math.min(ax, bx),
    y: Math.min(ay, by),
    width: rounded(Math.abs(ax - bx)),
    height: rounded(Math.abs(ay - by)),
  };
}

/** Clockwise from the upper left; the opposite of a corner is two places on. */
export function cornersOf({ x, y, width, height }: Rectangle): readonly Point[] {
  return [
    [x, y],
    [rounded(x + width), y],
    [rounded(x + width), rounded(y + height)],
    [x, rounded(y + height)],
  ];
}

/** Whether a zone has these corners: a click is not a rectangle. */
export function isZoneSize(a: Point, b: Point): boolean {
  const { width, height } = rectangle(a, b);
  return width > 0.01 && height > 0.01;
}
