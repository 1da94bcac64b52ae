import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Expression, type PrivateIdentifier, parse, type SpreadElement } from 'acorn';
import { simple } from 'acorn-walk';
import { transformSync } from 'esbuild';
import { fieldWaysOut, troubleKeys } from '../../src/failures/trouble';
import { StatusWords } from '../../src/node-red/status/node-status';
import type { DropReason, EngineEvent, ProgressPhase } from '../../src/protocol/events';
import { repositoryRoot } from '../fixtures';

/**
 * Functions that look a text up, by name, and what they put before the key they are given, below the
 * catalog's root. A function that only passes its `key` on is to be found here under its own name.
 */
const lookUps: Readonly<Record<string, string>> = {
  _: '',
  translate: '',
  phrase: '',
  word: '',
  note: 'draw.',
  onNote: 'draw.',
  shapeWord: 'draw.',
};

/** Each reason, phase and warning there is: the compiler says when one is missing. */
const dropReasons = Object.keys({
  'queue-full': true,
  superseded: true,
  expired: true,
  deadline: true,
  cancelled: true,
  shutdown: true,
} satisfies Record<DropReason, true>);
/** Why a caption node keeps a picture to itself, by the second output too. */
const keptReasons: Readonly<Record<string, readonly string[]>> = { 'smolvlm-caption': ['anchor-set'] };
const phases = Object.keys({
  loading: true,
  image: true,
  vision: true,
  prefill: true,
  decode: true,
} satisfies Record<ProgressPhase, true>) as readonly ProgressPhase[];
const warnings = ['npu-slow', 'npu-shared', 'npu-busy'];

/** What `StatusWords` asks of a catalog, by the method that is called and the number of values it is given. */
const statusCalls: Readonly<Record<string, (words: StatusWords, given: number, root: string) => void>> = {
  idle: (words) => words.idle(),
  connecting: (words) => words.connecting(),
  lost: (words) => words.lost(),
  waiting: (words) => words.waiting(1),
  working: (words) => working(words, phases),
  encoding: (words) => {
    working(words, ['loading', 'image', 'vision']);
    words.encoding({ ...progress('vision'), core: 0 }, 0);
  },
  encoded: (words) => words.encoded(1, [1]),
  answered: (words, given) => {
    words.answered(1);
    if (given > 1) words.answered(1, true);
  },
  dropped: (words, _given, root) => {
    for (const reason of [...dropReasons, ...(keptReasons[root] ?? [])]) words.dropped(reason);
  },
  fallback: (words) => words.fallback('code'),
  failed: (words) => words.failed('code'),
};

function working(words: StatusWords, among: readonly ProgressPhase[]): void {
  for (const phase of among) words.working(progress(phase), 0);
  for (const code of warnings) words.working(progress('vision', code), 0);
}

/** What a folder's dialog, scripts and runtime ask of its catalog: keys, and patterns such as `tab.*`. */
export function usedKeys(folder: string, root: string): ReadonlySet<string> {
  const used = new Set<string>();
  const html = readFileSync(join(repositoryRoot, 'nodes', folder, `${folder}.html`), 'utf8');
  for (const [, value = ''] of html.matchAll(/data-i18n="([^"]*)"/g)) {
    for (const part of value.split(';')) {
      const key = part.replace(/^\[\w+\]/, '');
      if (!key.startsWith('node-red:')) used.add(key);
    }
  }
  const [entry] = html.match(/[\w-]+\.editor\.ts/) ?? [];
  assert.ok(entry, `${folder} has an editor script`);
  const scripts = [
    ...editorScripts(join(repositoryRoot, 'nodes', folder, entry)),
    ...runtimeScripts(join(repositoryRoot, 'dist', 'nodes', folder, `${folder}.js`)),
  ];
  for (const script of scripts) addCalls(script, root, used);
  // Words of the editor's own catalog.
  for (const key of used) if (key.startsWith(`${root}.editor:`)) used.delete(key);
  // All nodes take their words for errors from the engine's catalog.
  if (folder === 'smolvlm-engine') {
    for (const key of troubleKeys) used.add(`${root}.trouble.${key}`);
    for (const key of [...troubleKeys, ...fieldWaysOut]) used.add(`${root}.wayOut.${key}`);
    used.add(`${root}.language`);
  }
  return used;
}

/** An editor script with what it imports of src/editor, each without its types. */
function editorScripts(file: string, done = new Set<string>()): readonly string[] {
  if (done.has(file)) return [];
  done.add(file);
  const { code } = transformSync(readFileSync(file, 'utf8'), { loader: 'ts', target: 'es2022' });
  const imported = [...code.matchAll(/ from "(\.[^"]*)"/g)].map(([, path = '']) =>
    join(dirname(file), `${path}.ts`),
  );
  const inside = imported.filter((path) => relative(repositoryRoot, path).startsWith(join('src', 'editor')));
  return [code, ...inside.flatMap((path) => editorScripts(path, done))];
}

/** A compiled node with what it uses of src/node-red. */
function runtimeScripts(file: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const script = readFileSync(file, 'utf8');
  const required = [...script.matchAll(/require\("(\.[^"]*)"\)/g)].map(([, path = '']) =>
    join(dirname(file), `${path}.js`),
  );
  const glue = join('dist', 'src', 'node-red');
  const inside = required.filter((path) => relative(repositoryRoot, path).startsWith(glue));
  return [script, ...inside.flatMap((path) => runtimeScripts(path, seen))];
}

function addCalls(script: string, root: string, used: Set<string>): void {
  simple(parse(script, { ecmaVersion: 'latest', sourceType: 'module' }), {
    CallExpression: ({ callee, arguments: given }) => {
      const [first] = given;
      const { object, name } = calleeNames(callee as Expression);
      const prefix = Object.hasOwn(lookUps, name) ? lookUps[name] : undefined;
      if (prefix !== undefined && first) {
        for (const key of keysOf(first))
          used.add(key.startsWith(`${root}.`) ? key : `${root}.${prefix}${key}`);
      }
      if (object !== 'words' || !Object.hasOwn(statusCalls, name)) return;
      const words = new StatusWords(
        (key) => {
          used.add(`${root}.${key}`);
          return { key };
        },
        () => ({ key: 'trouble' }),
      );
      statusCalls[name]?.(words, given.length, root);
    },
  });
}

function calleeNames(callee: Expression): { readonly object: string; readonly name: string } {
  if (callee.type === 'Identifier') return { object: '', name: callee.name };
  if (callee.type !== 'MemberExpression') return { object: '', name: '' };
  return { object: nameOf(callee.object as Expression), name: nameOf(callee.property) };
}

function nameOf(expression: Expression | PrivateIdentifier): string {
  if (expression.type === 'MemberExpression') return nameOf(expression.property);
  return expression.type === 'Identifier' || expression.type === 'PrivateIdentifier' ? expression.name : '';
}

/** The keys an argument may be; none where it is a `key` that a caller gave. */
function keysOf(argument: Expression | SpreadElement): readonly string[] {
  switch (argument.type) {
    case 'Literal':
      return typeof argument.value === 'string' ? [argument.value] : [];
    case 'ConditionalExpression':
      return [...keysOf(argument.consequent), ...keysOf(argument.alternate)];
    case 'BinaryExpression':
      return isPassedOn(argument.right) ? [] : keysOf(argument.left as Expression).map((key) => `${key}*`);
    case 'TemplateLiteral':
      if (argument.expressions.some(isPassedOn)) return [];
      return [argument.quasis.map(({ value }) => value.cooked).join('*')];
    default:
      return [];
  }
}

function isPassedOn(expression: Expression): boolean {
  return expression.type === 'Identifier' && expression.name === 'key';
}

function progress(phase: ProgressPhase, warning?: string): EngineEvent & { type: 'progress' } {
  const event = { type: 'progress', id: '', phase, done: 1, total: 2 } as const;
  return warning === undefined ? event : { ...event, warning: { code: warning, message: '' } };
}
