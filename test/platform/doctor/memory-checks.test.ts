import assert from 'node:assert/strict';
import { judged } from './judged';

const gibibyte = 1024 ** 3;

describe('doctor: room for a model', () => {
  it('judges free memory, or the container’s limit if that is less', () => {
    const memory = (availableBytes: number, limitBytes?: number) =>
      judged('memory', 'x86', {
        memory: {
          totalBytes: 8 * gibibyte,
          availableBytes,
          ...(limitBytes === undefined ? {} : { limitBytes }),
        },
      }).state;
    assert.equal(memory(4 * gibibyte), 'ok');
    assert.equal(memory(0.7 * gibibyte), 'warn');
    assert.equal(memory(0.3 * gibibyte), 'bad');
    assert.equal(memory(4 * gibibyte, 0.3 * gibibyte), 'bad');
  });

  it('requires contiguous memory for the whole tower when the NPU has no IOMMU', () => {
    const small = {
      totalBytes: 8 * gibibyte,
      availableBytes: 4 * gibibyte,
      cmaTotalBytes: 12 * 1024 ** 2,
      cmaFreeBytes: 0,
    };
    const check = judged('npu-memory', 'rk3576', { iommu: false, memory: small });
    assert.equal(check.state, 'bad');
    assert.match(check.value, /0 MiB free of 12 MiB/);
    assert.equal(judged('npu-memory', 'rk3576', { iommu: true, memory: small }).state, 'ok');
    assert.equal(judged('npu-memory', 'rk3576', { iommu: undefined }).state, 'info');
  });
});
