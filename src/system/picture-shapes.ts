/** A part of a picture, as fractions of the upright picture, 0 … 1. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A place in the upright picture, as fractions of its width and height. */
export type Point = readonly [x: number, y: number];

/** Corner points, at least three. */
export type Polygon = readonly Point[];
