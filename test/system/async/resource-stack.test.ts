import assert from 'node:assert/strict';
import { ResourceStack } from '../../../src/system/async/resource-stack';

describe('ResourceStack', () => {
  it('closes the newest first, and each resource once', async () => {
    const closed: string[] = [];
    const resources = new ResourceStack();
    resources.own(() => closed.push('library'));
    resources.own(async () => closed.push('context'));
    await resources.close();
    await resources.close();
    assert.deepEqual(closed, ['context', 'library']);
  });

  it('closes the others when one fails to close, and throws its error', async () => {
    const closed: string[] = [];
    const resources = new ResourceStack();
    resources.own(() => closed.push('library'));
    resources.own(() => Promise.reject(new Error('the context is busy')));
    await assert.rejects(resources.close(), /the context is busy/);
    assert.deepEqual(closed, ['library']);
  });

  it('closes what work has opened when a later step fails, and throws the error of the work', async () => {
    const closed: string[] = [];
    const opening = ResourceStack.open(async (resources) => {
      resources.own(() => closed.push('library'));
      resources.own(() => Promise.reject(new Error('the context is busy')));
      throw new Error('the file is missing');
    });
    await assert.rejects(opening, /the file is missing/);
    assert.deepEqual(closed, ['library']);
  });

  it('leaves what work has opened to its result', async () => {
    const closed: string[] = [];
    const resources = await ResourceStack.open(async (opened) => {
      opened.own(() => closed.push('library'));
      return opened;
    });
    assert.deepEqual(closed, []);
    await resources.close();
    assert.deepEqual(closed, ['library']);
  });
});
