import assert from 'node:assert/strict';
import { serveOptions } from '../../../src/cli/serve/serve-options';
import { readSettings } from '../../../src/system/settings';

describe('options of smolvlm serve', () => {
  const origins = (...given: string[]) =>
    serveOptions({ 'cors-origin': given }, () => {}, readSettings({})).corsOrigins;

  it('take origins as browsers send them, from addresses as people write them', () => {
    for (const [given, sent] of [
      ['https://chat.example', 'https://chat.example'],
      ['https://Chat.example/', 'https://chat.example'],
      ['http://hub.local:80', 'http://hub.local'],
      ['http://hub.local:8080/', 'http://hub.local:8080'],
      ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
      ['capacitor://localhost/', 'capacitor://localhost'],
      ['null', 'null'],
      ['*', '*'],
    ] as const) {
      assert.deepEqual(origins(given), [sent]);
    }
  });

  it('refuse an origin that no browser sends', () => {
    for (const given of [
      'chat.example',
      'https://chat.example/app',
      'https://',
      '',
      'https://u@chat.example',
    ]) {
      assert.throws(() => origins('*', given), {
        code: 'usage',
        message: `--cors-origin: expected an origin such as https://chat.example, or *, received "${given}"`,
      });
    }
  });
});
