import assert from 'node:assert/strict';
import { describeNpuUser, NpuNeighbours } from '../../../src/platform/npu/npu-neighbours';
import { recordedFiles } from '../recorded-machine';

describe('NpuNeighbours', () => {
  it('are the programs on the NPU other than this package’s own, read at most every five seconds', () => {
    let reads = 0;
    let now = 0;
    const files = recordedFiles('frigate-on-card1');
    const counted = new Proxy(files, {
      get: (target, name) => {
        if (name === 'names') reads++;
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const neighbours = new NpuNeighbours(counted, () => now);
    assert.deepEqual(neighbours.users.map(describeNpuUser), ['process 640 (frigate.detector:rknn)']);
    const once = reads;
    now = 4_999;
    assert.equal(neighbours.users.length, 1);
    assert.equal(reads, once);
    now = 5_000;
    assert.equal(neighbours.users.length, 1);
    assert.equal(reads, 2 * once);
  });

  it('says when a program is known by its name alone', () => {
    assert.match(describeNpuUser({ pid: 7, command: 'frigate.detector:rknn', likely: true }), /probably/);
  });
});
