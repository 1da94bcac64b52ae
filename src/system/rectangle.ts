/** A part of a picture, as fractions of the upright picture, 0 … 1. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
