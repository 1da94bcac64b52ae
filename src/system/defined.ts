/** T without its undefined values: a field that may be undefined becomes an optional one. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * A copy of the fields without those whose value is undefined, for objects with optional fields:
 * `{ id, ...defined({ camera, priority }) }`. Other empty values (null, 0, '') stay.
 */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
