import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';

/** The catalog every other one follows. */
export const original = 'en-US';

export const translations = ['de', 'fr', 'zh-CN'] as const;
export type Translation = (typeof translations)[number];

/** Folders below nodes/: each node, and the sidebar. */
export const nodeFolders: readonly string[] = readdirSync(join(repositoryRoot, 'nodes')).sort();

/** The path of a catalog, or of the help beside it. */
export function localePath(folder: string, language: string, extension: 'json' | 'html'): string {
  return join(repositoryRoot, 'nodes', folder, 'locales', language, `${folder}.${extension}`);
}

/** Strings by key: `smolvlm-frame.status.held.stale`. */
export function readCatalog(folder: string, language: string): ReadonlyMap<string, string> {
  const strings = new Map<string, string>();
  const add = (value: unknown, key: string): void => {
    if (typeof value === 'string') strings.set(key, value);
    else for (const [name, each] of Object.entries(value as object)) add(each, key ? `${key}.${name}` : name);
  };
  add(JSON.parse(readFileSync(localePath(folder, language, 'json'), 'utf8')), '');
  // The build puts the words for errors and for the doctor's findings into the engine's catalog.
  if (folder === 'smolvlm-engine')
    for (const words of [readFailureCatalog(language), readFindingCatalog(language)]) add(words, folder);
  return strings;
}

/** `language`, and the words of each kind of error. */
export function readFailureCatalog(language: string): object {
  return JSON.parse(readFileSync(join(repositoryRoot, 'src/failures/locales', `${language}.json`), 'utf8'));
}

/** What the doctor finds and advises, by the keys of its phrases. */
export function readFindingCatalog(language: string): {
  readonly finding: Readonly<Record<string, string>>;
} {
  const path = join(repositoryRoot, 'src/protocol/findings/locales', `${language}.json`);
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** The help of a node. */
export interface Help {
  /** What is the same in every language. */
  readonly fixed: {
    /** Opening tags in their order, without those inside a sentence. */
    readonly tags: readonly string[];
    /** Names of properties and topics. */
    readonly terms: readonly string[];
    /** In the order of the alphabet: languages order their words differently. */
    readonly code: readonly string[];
  };
  readonly headings: readonly string[];
  /** The file without its script element. */
  readonly text: string;
}

/** @returns undefined where there is no help, as for the sidebar */
export function readHelp(folder: string, language: string): Help | undefined {
  const path = localePath(folder, language, 'html');
  if (!existsSync(path)) return undefined;
  const html = readFileSync(path, 'utf8');
  const all = (pattern: RegExp): string[] =>
    [...html.matchAll(pattern)].map(([, found = '']) => found.trim());
  return {
    fixed: {
      tags: all(/<((?!code>|i>)\w[^>]*)>/g),
      terms: all(/<dt[^>]*>([^<]*)/g),
      code: all(/<code>([^<]*)<\/code>/g).sort(),
    },
    headings: all(/<h3>([^<]*)<\/h3>/g),
    text: html.replace(/<\/?script[^>]*>/g, ''),
  };
}
