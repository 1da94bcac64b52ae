import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';

/** A page for people. */
export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** README.md, CHANGELOG.md, CONTRIBUTING.md and everything below docs/. */
export function readPages(): readonly Page[] {
  const docs = readdirSync(join(repositoryRoot, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  return ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...docs.sort()].map(readPage);
}

/** @param path relative to the repository */
export function readPage(path: string): Page {
  return { path, text: readFileSync(join(repositoryRoot, path), 'utf8') };
}

/** Targets of links and pictures, as written. */
export function links({ text }: Page): readonly string[] {
  return [...prose(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
}

/** The names under which a page's headings can be linked to, as GitHub makes them. */
export function anchors({ text }: Page): ReadonlySet<string> {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ +(.+)$/gm)];
  return new Set(
    headings.map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Everything written as code: the lines of blocks, with continued ones joined, and the spans in the prose. */
export function codeLines({ text }: Page): readonly string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, body = '']) =>
    body.replaceAll('\\\n', ' '),
  );
  const spans = [...prose(text, false).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) =>
    span.replaceAll('\\|', '|'),
  );
  return [...blocks.flatMap((block) => block.split('\n')), ...spans];
}

/** The codes in the first cells of the tables below a heading, or of the whole page. */
export function namedInTables({ text }: Page, heading?: RegExp): readonly string[] {
  const sections = text
    .split(/^(?=## )/m)
    .filter((section) => heading === undefined || heading.test(section));
  return sections.flatMap((section) =>
    [...section.matchAll(/^\| ((?:`[^`|]+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    ),
  );
}

function prose(text: string, withoutSpans = true): string {
  const outside = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  return withoutSpans ? outside.replaceAll(/`[^`\n]+`/g, '') : outside;
}
