import assert from 'node:assert/strict';
import { loadOnnxRuntime, onnxRuntimeLoadError } from '../../../src/backends/onnxruntime/onnxruntime-loader';

const linux = { platform: 'linux', arch: 'x64', libc: '2.36' };

function missingModule(): Error {
  return Object.assign(new Error("Cannot find module 'onnxruntime-node'\nRequire stack:"), {
    code: 'MODULE_NOT_FOUND',
  });
}

describe('loadOnnxRuntime', () => {
  it('loads the runtime once', async () => {
    assert.equal(await loadOnnxRuntime(), await loadOnnxRuntime());
    assert.equal(typeof (await loadOnnxRuntime()).InferenceSession.create, 'function');
  });

  it('says how to install it when it is missing', () => {
    const { code, message, hint } = onnxRuntimeLoadError(missingModule(), linux);
    assert.equal(code, 'onnxruntime-unavailable');
    assert.equal(
      message,
      "onnxruntime-node could not be loaded on linux-x64 (glibc 2.36): Cannot find module 'onnxruntime-node'",
    );
    assert.match(hint ?? '', /ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node/);
  });

  it('refers musl to another machine, regardless of the loader’s error', () => {
    const { hint } = onnxRuntimeLoadError(missingModule(), { ...linux, libc: 'musl' });
    assert.match(hint ?? '', /no build for musl.*smolvlm serve/);
  });

  it('names the platforms it is built for on any other', () => {
    const { hint } = onnxRuntimeLoadError(missingModule(), {
      platform: 'linux',
      arch: 'riscv64',
      libc: '2.39',
    });
    assert.match(hint ?? '', /linux-x64, linux-arm64/);
  });

  it('names the glibc it needs', () => {
    const cause = new Error("libm.so.6: version `GLIBC_2.27' not found");
    assert.match(onnxRuntimeLoadError(cause, { ...linux, libc: '2.24' }).hint ?? '', /glibc 2\.28/);
  });
});
