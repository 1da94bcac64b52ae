/** Looks a text up in a node's catalog, in Node-RED's language. */
export type Translate = (key: string, values?: Record<string, string | number>) => string;
