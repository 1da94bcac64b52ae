import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { runSmolvlmHere } from '../cli/run-smolvlm-here';
import { repositoryRoot } from '../fixtures';
import { anchors, codeLines, links, namedInTables, type Page, readPage, readPages } from './markdown';

/** `smolvlm COMMAND …`, at the beginning or after a prompt, a variable, npx. */
const commandLine = /(?:^|[\s(])(?:smolvlm|node dist\/cli\/main\.js) ([a-z]+)(.*)$/;

/** Options that the pages name alone: of every command, and of other programs. */
const othersOptions = new Set([
  '--json',
  '--help',
  '--omit=optional',
  '--engine-strict',
  '--privileged',
  '--security-opt',
  '--device',
  '--only',
]);

describe('the pages for people', () => {
  const pages = readPages();
  const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    readonly 'node-red': { readonly nodes: Readonly<Record<string, string>> };
    readonly scripts: Readonly<Record<string, string>>;
  };
  const nodes = Object.keys(manifest['node-red'].nodes);

  it('link to files and headings that exist', () => {
    const broken = pages.flatMap((page) =>
      links(page)
        .filter((target) => !/^(https?|mailto):/.test(target) && !leadsSomewhere(page, target))
        .map((target) => `${page.path}: ${target}`),
    );
    assert.deepEqual(broken, []);
  });

  // Several changes of one paragraph merge into several paragraphs.
  it('have no paragraph twice, in two wordings', () => {
    const doubled = pages.flatMap(({ path, text }) => {
      const beginnings = text
        .split('\n')
        .filter((line) => line.length > 100 && !line.startsWith('|'))
        .map((line) => line.slice(0, 45));
      return beginnings
        .filter((beginning, index) => beginnings.indexOf(beginning) < index)
        .map((beginning) => `${path}: ${beginning}…`);
    });
    assert.deepEqual(doubled, []);
  });

  it('name commands and options that the command line has', async () => {
    const help = new CommandHelp();
    const wrong: string[] = [];
    for (const page of pages)
      for (const line of codeLines(page))
        for (const fault of await help.faults(line)) wrong.push(`${page.path}: ${fault} in "${line}"`);
    assert.deepEqual(wrong, []);
    assert.ok(help.asked > 5, 'commands are found in the pages');
  });

  it('name scripts and variables that exist', () => {
    const sources = ['src', 'nodes', 'scripts', 'test'].flatMap((room) =>
      readdirSync(join(repositoryRoot, room), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|mjs)$/.test(name))
        .map((name) => readFileSync(join(repositoryRoot, room, name), 'utf8')),
    );
    for (const { path, text } of pages) {
      for (const [, script = ''] of text.matchAll(/npm run ([\w:-]+)/g)) {
        assert.ok(script in manifest.scripts, `${path}: npm run ${script}`);
      }
      for (const [name] of text.matchAll(/SMOLVLM_[A-Z_]+/g)) {
        assert.ok(
          sources.some((source) => source.includes(name)),
          `${path}: ${name}`,
        );
      }
    }
  });

  it('name paths of this repository that exist', () => {
    const missing = pages.flatMap((page) =>
      codeLines(page).flatMap((line) =>
        pathsIn(line)
          .filter((path) => !isThere(path))
          .map((path) => `${page.path}: ${path}`),
      ),
    );
    assert.deepEqual(missing, []);
  });

  it('list every node in README.md, and no other', () => {
    assert.deepEqual(namedInTables(readPage('README.md'), /^## The nodes/).toSorted(), nodes.toSorted());
  });

  it('give every node a page, with its dialog’s type in the title', () => {
    for (const type of nodes) {
      assert.match(readPage(`docs/nodes/${type}.md`).text, new RegExp(`^# ${type}\\b`));
    }
  });

  it('are all to be reached from README.md', () => {
    const reached = new Set<string>();
    const open = ['README.md'];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      for (const target of links(readPage(path))) {
        const file = pathOf(path, target);
        if (file.endsWith('.md') && existsSync(join(repositoryRoot, file))) open.push(file);
      }
    }
    assert.deepEqual(
      pages.map(({ path }) => path).filter((path) => !reached.has(path)),
      [],
    );
  });
});

/** Paths below the folders of this repository that a line of code names. */
function pathsIn(line: string): readonly string[] {
  const found = line.matchAll(
    /(?<![\w./-])(?:src|test|nodes|scripts|python|resources|icons|models|examples|docs|\.ci)\/[^\s`'":;,()]*/g,
  );
  return [...found].map(([path]) => path.replace(/[.…]+$/, ''));
}

/** A path with a placeholder, such as `nodes/<type>/<type>.ts`, is there when the folder before it is. */
function isThere(path: string): boolean {
  const [fixed = path] = path.split(/(?=[^/]*[<*{])/);
  return existsSync(join(repositoryRoot, fixed));
}

function pathOf(from: string, target: string): string {
  const [file = ''] = target.split('#');
  return file === '' ? from : normalize(join(dirname(from), decodeURIComponent(file)));
}

function leadsSomewhere(page: Page, target: string): boolean {
  const file = pathOf(page.path, target);
  const [, anchor] = target.split('#');
  if (!existsSync(join(repositoryRoot, file))) return false;
  return anchor === undefined || (file.endsWith('.md') && anchors(readPage(file)).has(anchor));
}

/** What the command line says of itself, asked once a command. */
class CommandHelp {
  readonly #texts = new Map<string, string>();

  get asked(): number {
    return this.#texts.size;
  }

  /** What a line of code names that the command line does not have. */
  async faults(line: string): Promise<readonly string[]> {
    if (/^--/.test(line)) {
      const [name = ''] = /^--[\w=-]+/.exec(line) ?? [];
      const known = othersOptions.has(name) || (await this.#all()).includes(name.split('=')[0] ?? name);
      return known ? [] : [name];
    }
    const [, command, rest = ''] = commandLine.exec(line) ?? [];
    if (command === undefined) return [];
    if (!(await this.#overview()).includes(`\n  ${command} `)) return [`smolvlm ${command}`];
    const [subcommand] = command === 'inspect' ? (/^ ([a-z-]+)/.exec(rest)?.slice(1) ?? []) : [];
    const help = await this.#help(subcommand === undefined ? [command] : [command, subcommand]);
    const given = rest.split(/ #|;| && |\| /)[0]?.matchAll(/(?<=^|[\s[(`])--[a-z][a-z0-9-]*/g) ?? [];
    return [...given].map(([option]) => option).filter((option) => !`${help} --json --help`.includes(option));
  }

  #overview(): Promise<string> {
    return this.#help([]);
  }

  async #all(): Promise<string> {
    const commands = (await this.#overview()).matchAll(/^ {2}([a-z]+) /gm);
    let all = '';
    for (const [, name = ''] of commands) all += await this.#help([name]);
    return all;
  }

  async #help(command: readonly string[]): Promise<string> {
    const key = command.join(' ');
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = (await runSmolvlmHere([...command, '--help'])).stdout;
      this.#texts.set(key, text);
    }
    return text;
  }
}
