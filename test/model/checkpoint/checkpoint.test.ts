import assert from 'node:assert/strict';
import { copyFile, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Checkpoint, openCheckpoint } from '../../../src/model/checkpoint/checkpoint';
import { SafetensorsFile } from '../../../src/model/safetensors/safetensors';
import { type TensorToWrite, writeSafetensors } from '../../../src/model/safetensors/safetensors-writer';
import { demoModel, fixture } from '../../fixtures';
import { useTempFolder } from '../../temp-folder';

const embeddings = 'text_model.embed_tokens.weight';

/** The demo model's tensors, with the changes of a test. */
async function demoTensors(): Promise<TensorToWrite[]> {
  const file = await SafetensorsFile.open(join(demoModel, 'model.safetensors'));
  const tensors = [];
  for (const { name, dtype, shape } of file.tensors.values()) {
    const bytes = await file.readBytes(name);
    tensors.push({ name, dtype, shape, data: () => bytes });
  }
  await file.close();
  return tensors;
}

describe('openCheckpoint', () => {
  const temp = useTempFolder();
  let cacheBefore: string | undefined;
  const weights = () => temp('model.safetensors');
  const open = async (): Promise<Checkpoint> => openCheckpoint(temp());
  const editJson = async (name: string, edit: (json: Record<string, never>) => object): Promise<void> =>
    writeFile(temp(name), JSON.stringify(edit(JSON.parse(await readFile(temp(name), 'utf8')))));

  beforeEach(async () => {
    cacheBefore = process.env.SMOLVLM_CACHE;
    process.env.SMOLVLM_CACHE = temp('cache');
    for (const name of ['config.json', 'generation_config.json', 'preprocessor_config.json']) {
      await copyFile(join(demoModel, name), temp(name));
    }
  });
  afterEach(() => {
    if (cacheBefore === undefined) delete process.env.SMOLVLM_CACHE;
    else process.env.SMOLVLM_CACHE = cacheBefore;
  });

  it('opens the demo model and the tiny Idefics3 checkpoint by canonical names', async () => {
    for (const [dir, id, rows] of [
      [demoModel, 'demo', 640],
      [fixture('goldens', 'tiny-idefics3'), 'tiny-idefics3', 49280],
    ] as const) {
      const checkpoint = await openCheckpoint(dir);
      assert.equal(checkpoint.id, id);
      assert.deepEqual(checkpoint.tensors.shape('lm_head.weight'), [rows, checkpoint.config.text.hiddenSize]);
      const whole = await checkpoint.tensors.read(embeddings);
      const width = checkpoint.config.text.hiddenSize;
      assert.deepEqual(
        await checkpoint.tensors.readRows(embeddings, 5, 7),
        whole.slice(5 * width, 7 * width),
      );
      await checkpoint.close();
    }
  });

  it('opens weights saved without the model. prefix', async () => {
    const bare = (await demoTensors()).map((each) => ({ ...each, name: each.name.replace(/^model\./, '') }));
    await writeSafetensors(weights(), bare);
    const checkpoint = await open();
    const demo = await openCheckpoint(demoModel);
    assert.deepEqual(await checkpoint.tensors.read(embeddings), await demo.tensors.read(embeddings));
    await checkpoint.close();
    await demo.close();
  });

  it('opens a sharded checkpoint through its index', async () => {
    const tensors = await demoTensors();
    const halves = [tensors.slice(0, 100), tensors.slice(100)];
    const map: Record<string, string> = {};
    for (const [i, half] of halves.entries()) {
      const name = `model-0000${i + 1}-of-00002.safetensors`;
      await writeSafetensors(temp(name), half);
      for (const each of half) map[each.name] = name;
    }
    const index = temp('model.safetensors.index.json');
    await writeFile(index, JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }));
    const checkpoint = await open();
    assert.equal((await checkpoint.tensors.read(embeddings)).length, 640 * 128);
    await checkpoint.close();

    await rename(temp('model-00002-of-00002.safetensors'), temp('elsewhere'));
    await assert.rejects(open(), {
      code: 'checkpoint-file',
      message: /model-00002-of-00002.safetensors, named in/,
    });
    map['lm_head.weight'] = '../../etc/model.safetensors';
    await writeFile(index, JSON.stringify({ weight_map: map }));
    await assert.rejects(open(), {
      code: 'checkpoint-index',
      message: /lm_head.weight: expected the name of a/,
    });
  });

  it('names an index entry whose file does not contain the tensor', async () => {
    await writeSafetensors(temp('a.safetensors'), await demoTensors());
    const map = { 'model.vision_model.ghost': 'a.safetensors' };
    await writeFile(temp('model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
    await assert.rejects(open(), {
      code: 'checkpoint-tensor-missing',
      message: /a.safetensors does not contain model.vision_model.ghost/,
    });
  });

  it('needs no head when it is tied to the token embeddings', async () => {
    const headless = (await demoTensors()).filter(({ name }) => name !== 'lm_head.weight');
    await writeSafetensors(weights(), headless);
    await assert.rejects(open(), {
      code: 'checkpoint-tensor-missing',
      message: /the tensor lm_head.weight is miss/,
    });
    await editJson('config.json', (json) => ({
      ...json,
      text_config: Object.assign({}, json.text_config, { tie_word_embeddings: true }),
    }));
    const checkpoint = await open();
    assert.equal(checkpoint.tensors.has('lm_head.weight'), false);
    await checkpoint.close();
  });

  it('names a tensor of a wrong shape or number format, or with two names', async () => {
    const change = async (edit: (tensor: TensorToWrite) => TensorToWrite[]): Promise<void> => {
      await writeSafetensors(weights(), (await demoTensors()).flatMap(edit));
    };
    await change((each) => [each.name === 'lm_head.weight' ? { ...each, shape: [128, 640] } : each]);
    await assert.rejects(open(), {
      code: 'checkpoint-tensor-shape',
      message: /lm_head.weight: expected \[640, 128\], received \[128, 640\]/,
    });
    await change((each) => [each.name === 'lm_head.weight' ? { ...each, dtype: 'I16' } : each]);
    await assert.rejects(open(), {
      code: 'checkpoint-dtype',
      message: /lm_head.weight: expected BF16 or F16 or F32, received I16/,
    });
    await change((each) =>
      each.name === 'lm_head.weight' ? [each, { ...each, name: 'model.lm_head.weight' }] : [each],
    );
    await assert.rejects(open(), {
      code: 'checkpoint-tensor-twice',
      message: /model.lm_head.weight is also in/,
    });
  });

  it('names the tensor at which a checkpoint is cut short', async () => {
    await copyFile(join(demoModel, 'model.safetensors'), weights());
    await truncate(weights(), 1_000_000);
    await assert.rejects(open(), {
      code: 'checkpoint-truncated',
      message: /text_model.layers.0.* ends at byte/,
    });
  });

  it('says what is missing in a folder', async () => {
    await assert.rejects(open(), { code: 'checkpoint-weights-missing', message: /no model.safetensors/ });
    await writeFile(temp('pytorch_model.bin'), '');
    await assert.rejects(open(), { hint: /safe_serialization/ });
    await rm(temp('config.json'));
    await assert.rejects(open(), { code: 'checkpoint-missing', message: /there is no config.json/ });
    await assert.rejects(openCheckpoint(temp('nowhere')), { message: /the folder does not exist/ });
  });

  it('refuses a tile size that does not fit the vision tower', async () => {
    await copyFile(join(demoModel, 'model.safetensors'), weights());
    await editJson('preprocessor_config.json', (json) => ({
      ...json,
      max_image_size: { longest_edge: 364 },
    }));
    await assert.rejects(open(), {
      code: 'checkpoint-config',
      message: /max_image_size.* \(256\), received 364/,
    });
  });

  it('changes its checksum with weights or configs, and computes it once while they stay the same', async () => {
    await copyFile(join(demoModel, 'model.safetensors'), weights());
    const long = new Date(Date.now() - 60_000);
    await utimes(weights(), long, long);
    const sha256 = async (): Promise<string> => {
      const checkpoint = await open();
      const sum = await checkpoint.sha256();
      await checkpoint.close();
      return sum;
    };
    const first = await sha256();
    assert.match(first, /^[0-9a-f]{64}$/);
    // Same size and modification time: the remembered checksum is used, the bytes are not read again.
    const bytes = await readFile(weights());
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    await writeFile(weights(), bytes);
    await utimes(weights(), long, long);
    assert.equal(await sha256(), first);
    const later = new Date(Date.now() - 30_000);
    await utimes(weights(), later, later);
    const second = await sha256();
    assert.notEqual(second, first);
    await editJson('generation_config.json', (json) => ({ ...json, eos_token_id: 7 }));
    assert.notEqual(await sha256(), second);
  });
});
