import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, afterEach, before } from 'mocha';
import { type Browser, chromium, type Page } from 'playwright-core';
import { repositoryRoot } from '../fixtures';
import type { NodeRedProgram } from '../package/node-red-process';
import type { Ingress } from './ingress';

/** Debian's package of the same name. */
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const hasChromium = existsSync(chromiumPath);

interface NodeRed {
  readonly url: string;
  stop(): Promise<void>;
}

interface NodeRedScript {
  startNodeRed(options: object): Promise<NodeRed>;
  freePort(wanted: number): Promise<number>;
}

interface EngineScript {
  stopEngine(runtime: string): Promise<void>;
}

function demoScript<T>(name: string): Promise<T> {
  return import(pathToFileURL(join(repositoryRoot, 'scripts', 'demo', name)).href);
}

/** One browser for all suites of a process; each editor has its own context in it. */
let browser: Promise<Browser> | undefined;
after(async () => {
  await (await browser)?.close();
  browser = undefined;
});

export async function openBrowser(): Promise<Browser> {
  if (!(await browser)?.isConnected()) {
    browser = chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
  }
  return browser ?? assert.fail('no browser');
}

export interface ServerOptions {
  /** Opens what the browser shall go through. */
  readonly openFront?: (target: string) => Promise<Ingress>;
  /** Variables of Node-RED, and of what it starts. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another Node-RED than the one among the development dependencies. */
  readonly program?: NodeRedProgram | undefined;
}

/** A real Node-RED with this package, for one or more editors. */
export class EditorServer {
  private constructor(
    private readonly folder: string,
    private readonly nodeRed: NodeRed,
    private readonly stopEngine: () => Promise<void>,
    /** What stands between browser and Node-RED. */
    readonly front: Ingress | undefined,
  ) {}

  /** @param flow nodes of the flow file */
  static async open(
    flow: readonly object[],
    { openFront, environment, program }: ServerOptions = {},
  ): Promise<EditorServer> {
    const { startNodeRed, freePort } = await demoScript<NodeRedScript>('node-red.mjs');
    const { stopEngine } = await demoScript<EngineScript>('engine.mjs');
    const folder = await mkdtemp(join(tmpdir(), 'smolvlm-editor-'));
    const flows = join(folder, 'given-flows.json');
    const runtime = join(folder, 'run');
    await writeFile(flows, JSON.stringify(flow));
    const nodeRed = await startNodeRed({
      root: repositoryRoot,
      folder,
      port: await freePort(0),
      flows,
      environment: { ...environment, SMOLVLM_RUNTIME_DIR: runtime },
      log: () => {},
      program,
    });
    const front = await openFront?.(nodeRed.url);
    return new EditorServer(folder, nodeRed, () => stopEngine(runtime), front);
  }

  get url(): string {
    return this.front?.url ?? this.nodeRed.url;
  }

  async close(): Promise<void> {
    await this.front?.close();
    await this.nodeRed.stop();
    await this.stopEngine();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface EditorOptions extends ServerOptions {
  /** Of the browser, and so of the editor. */
  readonly language?: string;
}

/** A Node-RED that is there already. */
type EditedNodeRed = Pick<EditorServer, 'url' | 'front'>;

/** The editor of a real Node-RED with this package, in a headless browser. */
export class Editor {
  /** What the page threw, or wrote to its console as an error. */
  readonly faults: string[] = [];
  readonly #url: string;

  private constructor(
    readonly page: Page,
    private readonly server: EditedNodeRed,
    private readonly closeServer: () => Promise<void>,
  ) {
    this.#url = server.url;
    this.page.on('pageerror', ({ message }) => {
      // Monaco's own, of Node-RED: an editor is closed before Monaco's worker has answered.
      if (!message.startsWith('Model is disposed!')) this.faults.push(message);
    });
    this.page.on('console', (message) => {
      // The editor also requests news from the internet, which may not be reachable.
      const { url } = message.location();
      if (message.type() === 'error' && url.startsWith(new URL('/', this.#url).href)) {
        this.faults.push(`${url}: ${message.text()}`);
      }
    });
  }

  /** Starts a Node-RED too, which ends with the editor. @param flow nodes of the flow file */
  static async open(flow: readonly object[], { language, ...options }: EditorOptions = {}): Promise<Editor> {
    const server = await EditorServer.open(flow, options);
    return Editor.#view(server, language, () => server.close());
  }

  /** On a Node-RED that stays when the editor is closed. */
  static openOn(server: EditedNodeRed, language?: string): Promise<Editor> {
    return Editor.#view(server, language, async () => {});
  }

  static async #view(
    server: EditedNodeRed,
    language = 'en-US',
    closeServer: () => Promise<void>,
  ): Promise<Editor> {
    const page = await (await openBrowser()).newPage({
      viewport: { width: 1280, height: 760 },
      locale: language,
    });
    const editor = new Editor(page, server, closeServer);
    await editor.#load();
    return editor;
  }

  /** Where the browser finds Node-RED; ends with a slash. */
  get url(): string {
    return this.#url;
  }

  get front(): Ingress | undefined {
    return this.server.front;
  }

  /** Opens a node's dialog and waits until it is there. */
  async edit(id: string): Promise<void> {
    await this.page.evaluate(
      `(() => { const node = RED.nodes.node(${JSON.stringify(id)});
        if (node._def.category === 'config') RED.editor.editConfig('', node.type, node.id);
        else RED.editor.edit(node); })()`,
    );
    await this.page.waitForSelector('.red-ui-tray-body .dialog-form, .red-ui-tray-body form', {
      state: 'visible',
    });
    // The tray slides in, and what lies below it is out of reach until it stands still.
    await this.page.waitForFunction('$(".red-ui-tray").last().is(":not(:animated)")');
  }

  /** Closes a node's dialog with "Done". */
  async save(): Promise<void> {
    await this.page.locator('#node-dialog-ok').click();
    await this.page.waitForSelector('.red-ui-tray', { state: 'detached' });
  }

  /** Deploys what was changed, and waits until it is taken; the flows start a moment later. */
  async deploy(): Promise<void> {
    const deployed = this.page.waitForResponse(
      (response) =>
        response.url() === new URL('flows', this.#url).href && response.request().method() === 'POST',
      { timeout: 60_000 },
    );
    await this.page.locator('#red-ui-header-button-deploy').click();
    assert.ok((await deployed).ok());
  }

  /** Chooses the dark theme that Node-RED has since version 5, as its settings do. */
  async darken(): Promise<void> {
    await this.page.evaluate(`RED.settings.setLocal('view-dark-theme', 'dark')`);
    await this.#load();
    await this.page.waitForSelector('html.nr-theme-dark');
  }

  /** Closes the uppermost dialog without saving. */
  async cancel(): Promise<void> {
    await this.page.locator('#node-config-dialog-cancel:visible, #node-dialog-cancel:visible').last().click();
    await this.page.waitForSelector('.red-ui-tray', { state: 'detached' });
  }

  async close(): Promise<void> {
    // The context that newPage made ends with its page.
    await this.page.close();
    await this.closeServer();
  }

  async #load(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.page.goto(this.#url);
        break;
      } catch (error) {
        assert.ok(tries < 100, `Node-RED does not answer: ${error}`);
        await this.page.waitForTimeout(200);
      }
    }
    await this.page.waitForSelector('.red-ui-palette-node[data-palette-type="smolvlm-caption"]', {
      timeout: 60_000,
    });
    await this.page.waitForSelector('#red-ui-loading-progress', { state: 'hidden' });
  }
}

/** A flow whose engine, on another machine, does not answer. */
export const unreachableEngine: readonly object[] = [
  { id: 'tab', type: 'tab', label: 'Flow' },
  {
    ...{ id: 'engine', type: 'smolvlm-engine', name: '', model: 'demo' },
    ...{ location: 'remote', url: 'http://127.0.0.1:9' },
  },
];

/**
 * Starts a Node-RED before a suite, for several editors, and stops it after the suite. To be called in the suite's body;
 * without Chromium the suite is skipped.
 * @returns the server, once the suite has begun
 */
export function useEditorServer(
  flow: readonly object[],
  options: () => ServerOptions | Promise<ServerOptions> = () => ({}),
): () => EditorServer {
  let server: EditorServer | undefined;
  before(async function () {
    if (!hasChromium) this.skip();
    server = await EditorServer.open(flow, await options());
  });
  after(() => server?.close());
  return () => server ?? assert.fail('the suite has not begun');
}

/**
 * Opens an editor before a suite, checks after each test that it reported no fault, and closes it after the suite. To be
 * called in the suite's body; without Chromium the suite is skipped.
 */
export function useEditor(flow: readonly object[], onOpen: (editor: Editor) => void): void {
  let editor: Editor | undefined;
  before(async function () {
    if (!hasChromium) this.skip();
    editor = await Editor.open(flow);
    onOpen(editor);
  });
  after(() => editor?.close());
  afterEach(() => assert.deepEqual(editor?.faults, []));
}
