import { join } from 'node:path';

/** The repository's root, from the compiled place of this file (dist/test). */
export const repositoryRoot = join(__dirname, '..', '..');

/** @param parts path below test/fixtures */
export function fixture(...parts: string[]): string {
  return join(repositoryRoot, 'test', 'fixtures', ...parts);
}

/** The shipped demo model's folder. */
export const demoModel = join(repositoryRoot, 'models', 'demo');

/** @param name file name below the shipped demo frames */
export function demoFrame(name: string): string {
  return join(repositoryRoot, 'models', 'demo-frames', name);
}
