import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type AnyNode, type Expression, parse } from 'acorn';
import { simple } from 'acorn-walk';
import { repositoryRoot } from '../fixtures';

interface Use {
  readonly script: string;
  readonly file: string;
  readonly name: string;
}

describe('the scripts of the repository', () => {
  it('use only what the built package exports', async () => {
    const uses = await usesOfPackage();
    assert.ok(uses.length > 20, `${uses.length} uses found`);
    const exports = new Map<string, object>();
    for (const { file } of uses) exports.set(file, require(file));
    assert.deepEqual(
      uses.filter(({ file, name }) => !(name in (exports.get(file) as object))),
      [],
    );
  });
});

/** Each name that a script takes from a file in `dist` by its name. */
async function usesOfPackage(): Promise<Use[]> {
  const folder = join(repositoryRoot, 'scripts');
  const scripts = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.mjs'));
  const uses: Use[] = [];
  for (const script of scripts) {
    const code = await readFile(join(folder, script), 'utf8');
    const add = (from: unknown, names: readonly string[]) => {
      if (typeof from !== 'string' || !from.includes('/dist/src/')) return;
      const file = resolve(folder, script, '..', from);
      uses.push(...names.map((name) => ({ script, file, name })));
    };
    simple(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), {
      ImportDeclaration({ source, specifiers }) {
        const names = specifiers.flatMap((each) =>
          each.type === 'ImportSpecifier' && each.imported.type === 'Identifier' ? [each.imported.name] : [],
        );
        add(source.value, names);
      },
      VariableDeclarator({ id, init }) {
        if (id.type === 'ObjectPattern') add(requiredFile(init), namesOf(id.properties));
      },
    });
  }
  return uses;
}

function namesOf(properties: readonly AnyNode[]): string[] {
  return properties.flatMap((each) =>
    each.type === 'Property' && each.key.type === 'Identifier' ? [each.key.name] : [],
  );
}

/** The file of `require(…)`, of `createRequire(…)(…)` and of `(await import(…)).default`. */
function requiredFile(expression?: Expression | null): unknown {
  if (expression?.type === 'CallExpression') {
    const { callee } = expression;
    const file = literal(expression.arguments[0]);
    // `load` requires from the package's code, wherever the script is.
    const loads = callee.type === 'Identifier' && callee.name === 'load';
    return loads ? join(repositoryRoot, 'dist', 'src', String(file)) : file;
  }
  if (expression?.type === 'AwaitExpression') return requiredFile(expression.argument);
  if (expression?.type === 'ImportExpression') return literal(expression.source);
  if (expression?.type === 'MemberExpression') return requiredFile(expression.object as Expression);
  return undefined;
}

function literal(node?: AnyNode): unknown {
  return node?.type === 'Literal' ? node.value : undefined;
}
