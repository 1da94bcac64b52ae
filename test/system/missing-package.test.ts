import assert from 'node:assert/strict';
import { missingPackage } from '../../src/system/missing-package';

describe('missingPackage', () => {
  it('finds nothing missing in a complete installation', () => {
    assert.equal(missingPackage(), undefined);
  });

  for (const [name, code] of [
    ['onnxruntime-node', 'onnxruntime-unavailable'],
    ['protobufjs', 'protobuf-unavailable'],
  ] as const) {
    it(`names ${name}, which npm left out, and how to install it`, () => {
      const fault = missingPackage((each) => each !== name);
      assert.equal(fault?.code, code);
      assert.ok(fault.message.includes(name));
      assert.ok(fault.hint?.includes(`npm install ${name}`));
    });
  }
});
