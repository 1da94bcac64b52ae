import type { Authentication, TimelineBody } from '../http/timeline-api';
import { ServerRefusal, TimelineClient } from './client/timeline-client';
import { loginView } from './login-view';
import { readAddress, writeAddress } from './page-address';
import { keysDialog, menuDialog } from './page-dialogs';
import { listenToKeys } from './page-keys';
import { editorToken, PageSettings } from './page-settings';
import { applyTheme, isTheme, type Theme } from './page-theme';
import { element, textButton } from './parts/element';
import { isLanguage, type Language, languages, preferredLanguage, Words } from './parts/page-words';
import { TimelineView } from './timeline-view';

const retryMs = 2000;

/** The captions page: logs in where the server needs it, then shows a timeline. */
class TimelinePage {
  readonly #root: HTMLElement;
  readonly #settings = new PageSettings();
  readonly #words: Words;
  readonly #client = new TimelineClient();
  #authentication: Authentication = 'none';
  #view: TimelineView | undefined;
  #retry: number | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
    applyTheme(this.#theme);
    const chosen = this.#settings.get('language');
    this.#words = new Words(isLanguage(chosen) ? chosen : preferredLanguage());
    document.documentElement.lang = this.#words.language;
    document.title = this.#words.translate('title');
    listenToKeys({
      view: () => this.#view,
      isOn: () => this.#settings.get('keys') !== 'off',
      showKeys: () => keysDialog(this.#words),
    });
  }

  async start(isRefused = false): Promise<void> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    try {
      const { authentication } = await this.#client.session();
      this.#authentication = authentication;
      const timelines = await this.#logIn();
      if (timelines) await this.#show(timelines);
      else await this.#showLogin(isRefused);
    } catch (error) {
      this.#notice(this.#words.failure(error), () => void this.start());
    }
  }

  /** Tries the tokens that this browser has. @returns undefined where none is accepted */
  async #logIn(): Promise<readonly TimelineBody[] | undefined> {
    const stored = this.#settings.get('token');
    const adminPath = new URL('..', location.href).pathname;
    const candidates = {
      none: [undefined],
      basic: [undefined],
      token: [stored, undefined],
      'node-red': [stored, editorToken(adminPath), undefined],
    } satisfies Record<Authentication, unknown>;
    for (const token of new Set(candidates[this.#authentication])) {
      this.#client.token = token;
      try {
        return await this.#client.timelines();
      } catch (error) {
        if (!(error instanceof ServerRefusal) || error.status !== 401) throw error;
        if (token !== undefined && token === stored) this.#settings.set('token', undefined);
      }
    }
    return undefined;
  }

  async #showLogin(isRefused: boolean): Promise<void> {
    this.#view?.close();
    this.#view = undefined;
    const login = await loginView(this.#words, this.#client, this.#authentication, isRefused, (token) => {
      this.#settings.set('token', token);
      void this.start(true);
    });
    this.#root.replaceChildren(login);
    login.querySelector('input')?.focus();
  }

  async #show(timelines: readonly TimelineBody[]): Promise<void> {
    this.#view?.close();
    this.#view = undefined;
    const address = readAddress();
    const timeline = timelines.find(({ id }) => id === address.timeline) ?? timelines[0];
    if (!timeline) {
      this.#notice(this.#words.translate('noTimeline'), () => void this.start());
      this.#waitForTimeline();
      return;
    }
    this.#client.timeline = timeline.id;
    this.#view = new TimelineView({
      words: this.#words,
      client: this.#client,
      timelines,
      timeline,
      mayWrite: await this.#client.mayWrite(),
      onMenu: (more) => this.#menu(more),
      onTimeline: (id) => {
        history.pushState(null, '', writeAddress({ timeline: id, filter: {} }));
        void this.#show(timelines);
      },
      onRefused: () => void this.start(),
    });
    this.#root.replaceChildren(this.#view.element);
  }

  /** While Node-RED deploys, its timelines are away for a moment. */
  #waitForTimeline(): void {
    this.#retry = window.setTimeout(async () => {
      const waited = this.#retry;
      const timelines = await this.#client.timelines().catch(() => undefined);
      // Meanwhile the reader may have tried by hand.
      if (this.#retry !== waited) return;
      if (timelines?.length === 0) this.#waitForTimeline();
      else void this.start();
    }, retryMs);
  }

  get #theme(): Theme {
    const stored = this.#settings.get('theme');
    return isTheme(stored) ? stored : 'system';
  }

  #menu(more: readonly (readonly [label: string, run: () => void])[]): void {
    const translate = this.#words.translate.bind(this.#words);
    const isLoggedIn = this.#settings.get('token') !== undefined;
    menuDialog(
      this.#words,
      [
        {
          label: translate('theme'),
          choices: {
            system: translate('theme.system'),
            light: translate('theme.light'),
            dark: translate('theme.dark'),
          },
          chosen: this.#theme,
          onChoose: (name) => {
            this.#settings.set('theme', name);
            applyTheme(this.#theme);
          },
        },
        {
          label: translate('language'),
          choices: languages,
          chosen: this.#words.language,
          onChoose: (name) => {
            this.#settings.set('language', name as Language);
            location.reload();
          },
        },
        {
          label: translate('shortcuts'),
          choices: { on: translate('on'), off: translate('off') },
          chosen: this.#settings.get('keys') ?? 'on',
          onChoose: (name) => this.#settings.set('keys', name),
        },
      ],
      [
        ...more,
        [translate('keys'), () => keysDialog(this.#words)],
        ...(isLoggedIn
          ? [
              [
                translate('logOut'),
                () => {
                  this.#settings.set('token', undefined);
                  location.reload();
                },
              ] as const,
            ]
          : []),
      ],
    );
  }

  #notice(text: string, retry: () => void): void {
    this.#root.replaceChildren(
      element(
        'main',
        { class: 'login' },
        element('h1', {}, this.#words.translate('title')),
        element('p', { role: 'alert' }, text),
        textButton(this.#words.translate('retry'), 'primary', retry),
      ),
    );
  }
}

const root = document.getElementById('page');
if (root) void new TimelinePage(root).start();
