/** Limits of one JSON schema. */
export const schemaLimits = {
  /** Levels of nesting. */
  depth: 8,
  /** Properties of one object. */
  properties: 64,
  /** Items of one array. */
  items: 64,
  /** Values of one `enum`, or schemas of one `anyOf`. */
  options: 256,
  /** Characters of a string that is written for a schema. */
  stringLength: 1000,
} as const;
