import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { abiOf, callbackStruct, type RkllmAbi, rkllmLayouts } from '../../../src/backends/rkllm/rkllm-abi';
import { repositoryRoot } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

/** Our offsets, as expressions over the vendor's names; those of a layout alone begin with its release. */
function expressions(abi: RkllmAbi): readonly (readonly [ours: number | undefined, c: string])[] {
  const { param, extend, input, embed, multimodal, infer, result } = rkllmLayouts[abi];
  const image = abi === '1.3' ? 'image.' : '';
  const tags = param.image ?? multimodal.image;
  const tag = (name: string): string =>
    abi === '1.3'
      ? `offsetof(RKLLMMultiModalInput, image.image_${name})`
      : `offsetof(RKLLMParam, img_${name})`;
  return [
    [param.size, 'sizeof(RKLLMParam)'],
    [param.modelPath, 'offsetof(RKLLMParam, model_path)'],
    [param.maxContext, 'offsetof(RKLLMParam, max_context_len)'],
    [param.maxNewTokens, 'offsetof(RKLLMParam, max_new_tokens)'],
    [param.topK, 'offsetof(RKLLMParam, top_k)'],
    [param.topP, 'offsetof(RKLLMParam, top_p)'],
    [param.temperature, 'offsetof(RKLLMParam, temperature)'],
    [param.repeatPenalty, 'offsetof(RKLLMParam, repeat_penalty)'],
    [param.skipSpecialToken, 'offsetof(RKLLMParam, skip_special_token)'],
    [param.extend, 'offsetof(RKLLMParam, extend_param)'],
    [tags?.start, tag('start')],
    [tags?.end, tag('end')],
    [tags?.content, tag('content')],
    [extend.baseDomain, 'offsetof(RKLLMExtendParam, base_domain_id)'],
    [extend.embedFlash, 'offsetof(RKLLMExtendParam, embed_flash)'],
    [extend.cpuCount, 'offsetof(RKLLMExtendParam, enabled_cpus_num)'],
    [input.size, 'sizeof(RKLLMInput)'],
    [input.role, 'offsetof(RKLLMInput, role)'],
    [input.type, 'offsetof(RKLLMInput, input_type)'],
    [input.union, 'offsetof(RKLLMInput, embed_input)'],
    [embed.rows, 'offsetof(RKLLMEmbedInput, embed)'],
    [embed.count, 'offsetof(RKLLMEmbedInput, n_tokens)'],
    [multimodal.prompt, 'offsetof(RKLLMMultiModalInput, prompt)'],
    [multimodal.rows, `offsetof(RKLLMMultiModalInput, ${image}image_embed)`],
    [multimodal.rowsPerImage, `offsetof(RKLLMMultiModalInput, ${image}n_image_tokens)`],
    [multimodal.images, `offsetof(RKLLMMultiModalInput, ${image}n_image)`],
    [multimodal.width, `offsetof(RKLLMMultiModalInput, ${image}image_width)`],
    [multimodal.height, `offsetof(RKLLMMultiModalInput, ${image}image_height)`],
    [infer.size, 'sizeof(RKLLMInferParam)'],
    [infer.mode, 'offsetof(RKLLMInferParam, mode)'],
    [infer.keepHistory, 'offsetof(RKLLMInferParam, keep_history)'],
    ...(abi === '1.3' ? [[infer.maxNewTokens, 'offsetof(RKLLMInferParam, max_new_tokens)'] as const] : []),
    [result.size, 'sizeof(RKLLMResult)'],
    [result.text, 'offsetof(RKLLMResult, text)'],
    [result.token, 'offsetof(RKLLMResult, token_id)'],
    [callbackStruct.size, 'sizeof(RKLLMCallback)'],
    [callbackStruct.result, 'offsetof(RKLLMCallback, result_callback)'],
  ];
}

describe('the RKLLM interface', () => {
  const temp = useTempFolder();

  for (const abi of ['1.2', '1.3'] as const) {
    it(`has the offsets a C compiler gives the structures of ${abi}`, async () => {
      const all = expressions(abi);
      const lines = all.map(([, c]) => `printf("%zu\\n", ${c});`);
      const source = `#include <stdio.h>\n#include "rkllm_abi.h"\nint main(void) {\n${lines.join('\n')}\n}\n`;
      await writeFile(temp('a.c'), source);
      const include = join(repositoryRoot, 'test', 'emulator', 'rkllm');
      const flags = ['-I', include, `-DRKLLM_ABI=${abi.replace('.', '')}`, '-o', temp('a'), temp('a.c')];
      await promisify(execFile)(process.env.CC || 'cc', flags);
      const [program = '', ...rest] = [...(process.env.SMOLVLM_TEST_RUN?.split(' ') ?? []), temp('a')];
      const { stdout } = await promisify(execFile)(program, rest);
      const theirs = stdout.trim().split('\n').map(Number);
      for (const [index, [ours, c]] of all.entries()) assert.equal(ours, theirs[index], c);
    });
  }

  it('maps releases to structures, and refuses any other release', () => {
    const known = ['1.2.1', '1.2.2', '1.2.3', '1.3.0', '1.3.1'].map(abiOf);
    assert.deepEqual(known, ['1.2', '1.2', '1.2', '1.3', '1.3']);
    for (const version of ['1.1.4', '1.2.0', '1.2.1b1', '1.3.0b1', '1.4.0', '2.0.0', '', undefined]) {
      assert.equal(abiOf(version), undefined, version);
    }
  });
});
