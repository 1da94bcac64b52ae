import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { isListening } from '../../../src/system/files/unix-socket';
import { useTempFolder } from '../../temp-folder';

describe('isListening', () => {
  const temp = useTempFolder();

  it('is true for the socket of a server, and false for one whose server has ended and for none', async () => {
    const server = createServer();
    server.listen(temp('bound'));
    await once(server, 'listening');
    // Node removes the path that it bound.
    renameSync(temp('bound'), temp('socket'));
    assert.equal(await isListening(temp('socket')), true);
    server.close();
    await once(server, 'close');
    assert.ok(existsSync(temp('socket')));
    assert.equal(await isListening(temp('socket')), false);
    assert.equal(await isListening(temp('none')), false);
  });
});
