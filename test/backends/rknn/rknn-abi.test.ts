import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { layouts, readTensorAttr } from '../../../src/backends/rknn/rknn-abi';
import { repositoryRoot } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

/** The vendor header's names of what the binding calls by its own. */
const structs: Readonly<Record<keyof typeof layouts, readonly [string, Readonly<Record<string, string>>]>> = {
  tensorAttr: [
    'rknn_tensor_attr',
    {
      index: 'index',
      dimCount: 'n_dims',
      dims: 'dims',
      name: 'name',
      elements: 'n_elems',
      bytes: 'size',
      format: 'fmt',
      type: 'type',
      quantization: 'qnt_type',
      zeroPoint: 'zp',
      scale: 'scale',
      widthStride: 'w_stride',
      bytesWithStride: 'size_with_stride',
      passThrough: 'pass_through',
      heightStride: 'h_stride',
    },
  ],
  input: [
    'rknn_input',
    {
      index: 'index',
      buffer: 'buf',
      bytes: 'size',
      passThrough: 'pass_through',
      type: 'type',
      format: 'fmt',
    },
  ],
  output: [
    'rknn_output',
    { wantFloat: 'want_float', preallocated: 'is_prealloc', index: 'index', buffer: 'buf', bytes: 'size' },
  ],
  inputOutputNumber: ['rknn_input_output_num', { inputs: 'n_input', outputs: 'n_output' }],
  performance: ['rknn_perf_run', { runMicroseconds: 'run_duration' }],
  sdkVersion: ['rknn_sdk_version', { api: 'api_version', driver: 'drv_version' }],
  memorySize: [
    'rknn_mem_size',
    {
      weights: 'total_weight_size',
      internal: 'total_internal_size',
      dmaTotal: 'total_dma_allocated_size',
      sramTotal: 'total_sram_size',
      sramFree: 'free_sram_size',
    },
  ],
  tensorMemory: [
    'rknn_tensor_mem',
    {
      address: 'virt_addr',
      physical: 'phys_addr',
      fd: 'fd',
      offset: 'offset',
      bytes: 'size',
      flags: 'flags',
    },
  ],
};

describe('the RKNN interface', () => {
  const temp = useTempFolder();

  it('has the offsets a C compiler gives its structures', async () => {
    const lines = Object.values(structs).flatMap(([struct, fields]) => [
      `printf("${struct} %zu\\n", sizeof(${struct}));`,
      ...Object.values(fields).map(
        (field) => `printf("${struct}.${field} %zu\\n", offsetof(${struct}, ${field}));`,
      ),
    ]);
    const include = join(repositoryRoot, 'test', 'emulator', 'rknn');
    await writeFile(
      temp('a.c'),
      `#include <stddef.h>\n#include <stdio.h>\n#include "rknn_abi.h"\nint main(void) {\n${lines.join('\n')}\n}\n`,
    );
    await promisify(execFile)(process.env.CC || 'cc', ['-I', include, '-o', temp('a'), temp('a.c')]);
    // Another machine's program runs in an emulator that the environment names.
    const [program = '', ...rest] = [...(process.env.SMOLVLM_TEST_RUN?.split(' ') ?? []), temp('a')];
    const { stdout } = await promisify(execFile)(program, rest);
    const ours = Object.entries(structs).flatMap(([name, [struct, fields]]) => {
      const layout = layouts[name as keyof typeof layouts] as Readonly<Record<string, number>>;
      return [
        `${struct} ${layout.size}`,
        ...Object.entries(fields).map(([own, field]) => `${struct}.${field} ${layout[own]}`),
      ];
    });
    assert.deepEqual(stdout.trim().split('\n'), ours);
  });

  it('has the sizes the vendor’s own Python binding has', () => {
    // rknn-toolkit2 2.5.0, ctypes structures of rknn.api.rknn_runtime.
    const { tensorAttr, input, output, memorySize, performance, inputOutputNumber } = layouts;
    assert.deepEqual(
      [tensorAttr.size, input.size, output.size, memorySize.size, performance.size, inputOutputNumber.size],
      [376, 32, 24, 64, 8, 8],
    );
  });

  it('reads no more dimensions than the structure holds', () => {
    const buffer = Buffer.alloc(layouts.tensorAttr.size, 0xff);
    const { dims, name } = readTensorAttr(buffer);
    assert.deepEqual([dims.length, name.length], [16, 256]);
  });
});
