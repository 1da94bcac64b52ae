import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Node, NodeAPI } from 'node-red';
import { phrasesOf } from '../../../src/node-red/status/phrase';
import { showStatus } from '../../../src/node-red/status/show-status';
import { nodeRedTexts } from '../node-red-texts';

describe('showStatus', () => {
  it('gives Node-RED a text in its language, and editors the phrases until the node is closed', () => {
    const published: unknown[] = [];
    const statuses: unknown[] = [];
    const RED = {
      ...nodeRedTexts('de'),
      comms: { publish: (...given: unknown[]) => void published.push(given) },
    } as unknown as NodeAPI;
    const node = Object.assign(new EventEmitter(), {
      id: 'c1',
      status: (status: unknown) => void statuses.push(status),
    });
    const phrases = [phrasesOf('smolvlm-caption')('status.waiting', { count: '3' })];
    showStatus(RED, node as unknown as Node)({ fill: 'blue', shape: 'ring', phrases });
    assert.deepEqual(statuses, [{ fill: 'blue', shape: 'ring', text: '3 wartend' }]);
    node.emit('close');
    assert.deepEqual(published, [
      ['smolvlm/status/c1', { text: '3 wartend', phrases }, true],
      ['smolvlm/status/c1', {}, false],
    ]);
  });
});
