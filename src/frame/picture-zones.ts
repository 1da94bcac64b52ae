import type { Rectangle } from '../system/picture-shapes';

/** A part of the picture that becomes its own frame. */
export interface Zone extends Rectangle {
  readonly name: string;
}

const isFraction = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;

/** Whether a value is a polygon of at least three points, in fractions of the picture. */
export function isPolygon(value: unknown): boolean {
  const isPoint = (point: unknown): boolean =>
    Array.isArray(point) && point.length === 2 && point.every(isFraction);
  return Array.isArray(value) && value.length >= 3 && value.every(isPoint);
}

export function isZone(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, x, y, width, height } = value as Partial<Record<keyof Zone, unknown>>;
  // The dialog keeps four digits, so that a zone at the edge may be that much too wide.
  const fits = Number(x) + Number(width) <= 1.0001 && Number(y) + Number(height) <= 1.0001;
  const inside = [x, y, width, height].every(isFraction) && Number(width) > 0 && Number(height) > 0 && fits;
  return typeof name === 'string' && name !== '' && inside;
}
