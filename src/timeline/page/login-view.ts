import type { Authentication } from '../http/timeline-api';
import type { TimelineClient } from './client/timeline-client';
import { element } from './parts/element';
import type { Words } from './parts/page-words';

/**
 * Asks for what the server needs: name and password of Node-RED's editor, or the engine's token.
 * @param isRefused whether what was sent before is wrong or has expired
 * @param onToken receives what is to be sent from now on
 */
export async function loginView(
  words: Words,
  client: TimelineClient,
  authentication: Authentication,
  isRefused: boolean,
  onToken: (token: string) => void,
): Promise<HTMLElement> {
  const translate = words.translate.bind(words);
  const fault = element('p', { class: 'error', role: 'alert' }, isRefused ? translate('loginRefused') : '');
  const wrap = (...content: readonly Node[]): HTMLElement =>
    element('main', { class: 'login' }, element('h1', {}, translate('title')), ...content);
  const isNodeRed = authentication === 'node-red';
  if (
    authentication === 'none' ||
    authentication === 'basic' ||
    (isNodeRed && !(await client.takesPassword()))
  ) {
    const way = isNodeRed ? 'loginElsewhere' : 'loginReload';
    return wrap(
      element('p', {}, translate(way)),
      element(
        'a',
        { class: 'button primary', href: isNodeRed ? '../' : './' },
        translate(isNodeRed ? 'openEditor' : 'retry'),
      ),
    );
  }
  const name = field('username', translate('username'), 'text', 'username');
  const secret = isNodeRed
    ? field('password', translate('password'), 'password', 'current-password')
    : field('token', translate('token'), 'password', 'current-password');
  const button = element('button', { type: 'submit', class: 'button primary' }, translate('logIn'));
  const form = element(
    'form',
    {},
    element('p', {}, translate(isNodeRed ? 'loginNodeRed' : 'loginToken')),
    ...(isNodeRed ? [name.label] : []),
    secret.label,
    fault,
    button,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    button.disabled = true;
    fault.textContent = '';
    const token = isNodeRed
      ? client.logIn(name.input.value, secret.input.value)
      : Promise.resolve(secret.input.value.trim());
    token
      .then((given) => {
        if (given) onToken(given);
        else fault.textContent = translate('loginWrong');
      })
      .catch(() => {
        fault.textContent = translate('unreachable');
      })
      .finally(() => {
        button.disabled = false;
      });
  });
  return wrap(form);
}

function field(
  id: string,
  text: string,
  type: 'text' | 'password',
  autocomplete: string,
): { readonly label: HTMLLabelElement; readonly input: HTMLInputElement } {
  const input = element('input', {
    id,
    type,
    autocomplete,
    required: true,
    spellcheck: 'false',
    autocapitalize: 'none',
  });
  return { input, label: element('label', { class: 'field', for: id }, element('span', {}, text), input) };
}
