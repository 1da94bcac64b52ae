import { stringFormats } from './string-formats';

/**
 * Patterns that schema libraries write and that have lookaheads, each with one without: all of its strings fit the
 * library's, though not the other way round.
 */
export const libraryPatterns: ReadonlyMap<string, string> = new Map([
  // zod 4: z.email()
  [
    "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
    stringFormats.email,
  ],
  // pydantic: Decimal
  ['^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$', '^-?\\d+(?:\\.\\d+)?$'],
]);
