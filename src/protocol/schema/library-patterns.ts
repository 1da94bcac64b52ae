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
  // zod 4: z.iso.duration()
  [
    '^P(?:(\\d+W)|(?!.*W)(?=\\d|T\\d)(\\d+Y)?(\\d+M)?(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+([.,]\\d+)?S)?)?)$',
    stringFormats.duration,
  ],
  // zod 4: z.hostname()
  [
    '^(?=.{1,253}\\.?$)[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[-0-9a-zA-Z]{0,61}[0-9a-zA-Z])?)*\\.?$',
    stringFormats.hostname,
  ],
  // pydantic: Decimal
  ['^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$', '^-?\\d+(?:\\.\\d+)?$'],
]);
