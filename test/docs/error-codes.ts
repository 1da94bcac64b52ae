import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyNode, type Function as FunctionNode, parse } from 'acorn';
import { ancestor, simple } from 'acorn-walk';
import { repositoryRoot } from '../fixtures';

const shapeOfACode = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Errors of the language, and the one whose code is always `usage`. */
const withoutCode = new Set(['Error', 'TypeError', 'RangeError', 'AggregateError', 'UsageError']);

interface ErrorCodes {
  /** Each code with the sources that name it. */
  readonly places: ReadonlyMap<string, ReadonlySet<string>>;
  /** Errors whose code this reader cannot tell: expected none. */
  readonly unread: readonly string[];
}

interface Program {
  readonly source: string;
  readonly tree: AnyNode;
}

/**
 * Every code that an error, a warning or an error body of this package can carry, read from the compiled sources:
 * codes given to an error's constructor, to a function that hands its parameter `code` on to one, or to a property
 * `code`.
 * @param reasons what the last name in a code's template stands for, e.g. `reason` in `engine-dropped-${final.reason}`
 */
export function errorCodes(reasons: Readonly<Record<string, readonly string[]>>): ErrorCodes {
  const programs = readPrograms();
  const constants = exportedConstants(programs);
  const forwarders = new Map<string, Set<number>>();
  const places = new Map<string, Set<string>>();
  const unread: string[] = [];

  function add(node: AnyNode, { source }: Program): boolean {
    const codes = literals(node, reasons) ?? constants.get(nameOf(node));
    for (const code of codes ?? []) places.set(code, (places.get(code) ?? new Set()).add(source));
    return codes !== undefined;
  }

  for (const program of programs) {
    ancestor(program.tree, {
      NewExpression: (node, _state, ancestors) => {
        const name = nameOf(node.callee);
        const [code] = node.arguments;
        if (!code || !/Error$/.test(name) || withoutCode.has(name) || add(code, program)) return;
        if (!forwarded(code, ancestors, program) && !handedOn(code))
          unread.push(`${program.source}: ${name}`);
      },
      CallExpression: ({ callee, arguments: [code] }) => {
        if (callee.type === 'Super' && code) add(code, program);
      },
      Property: ({ key, value }) => {
        if (key.type === 'Identifier' && key.name === 'code') add(value, program);
      },
    });
  }

  /** Remembers a function whose parameter is the code. */
  function forwarded(code: AnyNode, ancestors: readonly AnyNode[], program: Program): boolean {
    const made = [...ancestors].reverse().find(isFunction);
    const index = made?.params.findIndex((each) => parameterName(each) === nameOf(code)) ?? -1;
    const parameter = made?.params[index];
    const name = made && functionName(made, ancestors);
    if (!parameter || name === undefined || name === 'constructor') return false;
    forwarders.set(name, (forwarders.get(name) ?? new Set()).add(index));
    if (parameter.type === 'AssignmentPattern') add(parameter.right, program);
    return true;
  }

  for (const program of programs) {
    simple(program.tree, {
      CallExpression: (node) => {
        for (const index of forwarders.get(nameOf(node.callee)) ?? []) {
          const code = node.arguments[index];
          if (code) add(code, program);
        }
      },
    });
  }
  return { places, unread };
}

/** The code of an error that came from elsewhere: `code`, `error.code`, `String(error.code)`. */
function handedOn(node: AnyNode): boolean {
  const inner = node.type === 'CallExpression' ? node.arguments[0] : node;
  return inner !== undefined && nameOf(inner) === 'code';
}

/** Compiled files whose source is still there. */
function readPrograms(): readonly Program[] {
  return ['src', 'nodes'].flatMap((room) =>
    readdirSync(join(repositoryRoot, 'dist', room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => join(room, name.replace(/\.js$/, '.ts')))
      .filter((source) => existsSync(join(repositoryRoot, source)))
      .map((source) => {
        const compiled = join(repositoryRoot, 'dist', source.replace(/\.ts$/, '.js'));
        const tree = parse(readFileSync(compiled, 'utf8'), {
          ecmaVersion: 'latest',
          sourceType: 'script',
          allowHashBang: true,
        });
        return { source, tree };
      }),
  );
}

/** Strings that a file exports under a name: `exports.featuresGone = 'features-gone'`. */
function exportedConstants(programs: readonly Program[]): ReadonlyMap<string, readonly string[]> {
  const constants = new Map<string, readonly string[]>();
  for (const { tree } of programs) {
    simple(tree, {
      AssignmentExpression: ({ left, right }) => {
        const value = literals(right, {});
        if (left.type === 'MemberExpression' && nameOf(left.object) === 'exports' && value) {
          constants.set(nameOf(left), value);
        }
      },
    });
  }
  return constants;
}

/** The codes an expression can be; undefined for one that is only known when it runs. */
function literals(
  node: AnyNode,
  reasons: Readonly<Record<string, readonly string[]>>,
): readonly string[] | undefined {
  if (node.type === 'Literal') {
    return typeof node.value === 'string' && shapeOfACode.test(node.value) ? [node.value] : undefined;
  }
  if (node.type === 'ConditionalExpression') {
    const [yes, no] = [literals(node.consequent, reasons), literals(node.alternate, reasons)];
    return yes && no && [...yes, ...no];
  }
  if (node.type === 'TemplateLiteral' && node.expressions.length === 1) {
    const [before, after] = node.quasis.map(({ value }) => value.cooked ?? '');
    return reasons[nameOf(node.expressions[0] as AnyNode)]?.map((reason) => `${before}${reason}${after}`);
  }
  return undefined;
}

function isFunction(node: AnyNode): node is FunctionNode & AnyNode {
  return /Function/.test(node.type);
}

function parameterName(node: AnyNode): string {
  return nameOf(node.type === 'AssignmentPattern' ? node.left : node);
}

/** Of a declaration, a method, or a function kept in a constant. */
function functionName(made: FunctionNode, ancestors: readonly AnyNode[]): string | undefined {
  if (made.id) return made.id.name;
  const holder = ancestors[ancestors.indexOf(made as AnyNode) - 1];
  if (holder?.type === 'MethodDefinition') return nameOf(holder.key as AnyNode);
  if (holder?.type === 'VariableDeclarator') return nameOf(holder.id);
  return undefined;
}

/** The last name of `a`, `a.b`, `this.#b`, `(0, module.b)`. */
function nameOf(node: AnyNode): string {
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return node.name;
  if (node.type === 'MemberExpression') return nameOf(node.property);
  if (node.type === 'SequenceExpression') return nameOf(node.expressions.at(-1) as AnyNode);
  return '';
}
