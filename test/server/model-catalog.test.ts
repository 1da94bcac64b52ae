import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { ModelCatalog, modelId } from '../../src/server/model-catalog';
import { useTempFolder } from '../temp-folder';

describe('ModelCatalog', () => {
  const temp = useTempFolder();

  /** A catalog over one pulled model. */
  async function catalog(options: Partial<ConstructorParameters<typeof ModelCatalog>[0]> = {}) {
    const commit = 'a'.repeat(40);
    await mkdir(temp('org', 'name', commit), { recursive: true });
    await writeFile(temp('org', 'name', commit, 'config.json'), '{}');
    await mkdir(temp('org', 'name', 'refs'), { recursive: true });
    await writeFile(temp('org', 'name', 'refs', 'main'), commit);
    return new ModelCatalog({
      defaultModel: '/models/porch',
      aliases: new Map([
        ['gpt-4o-mini', '/models/porch'],
        ['small', '/models/small'],
      ]),
      loaded: () => ['/models/porch', '/models/other'],
      checkpoints: temp(),
      ...options,
    });
  }

  it('lists ids and aliases, the served model first, and no path', async () => {
    assert.deepEqual(await (await catalog()).names(), ['porch', 'gpt-4o-mini', 'small', 'other', 'org/name']);
    assert.equal(modelId('/models/porch'), 'porch');
    assert.equal(modelId('org/name@v2'), 'org/name');
  });

  it('gives the served model to a request that names none, its id, or an alias of it', async () => {
    const models = await catalog();
    for (const name of [undefined, null, '', 'porch', '/models/porch'])
      assert.deepEqual(await models.find(name), { id: 'porch' });
    assert.deepEqual(await models.find('gpt-4o-mini'), { id: 'gpt-4o-mini' });
  });

  it('finds other aliases, loaded models, pulled ones and the demo model', async () => {
    const models = await catalog();
    assert.equal((await models.find('small')).model, '/models/small');
    assert.equal((await models.find('other')).model, '/models/other');
    assert.equal((await models.find('org/name')).model, temp('org', 'name', 'a'.repeat(40)));
    assert.equal((await models.find('demo')).model, 'demo');
  });

  it('reads no name as a path', async () => {
    const models = await catalog();
    for (const name of ['/etc', '/models/small', '..', '../..', '~/models', 'src', './org/name', temp()])
      await assert.rejects(models.find(name), { code: 'model-not-found' }, name);
    // There is such a folder below the working directory.
    await assert.rejects(models.find('src/server'), { code: 'model-not-pulled' });
  });

  it('serves the model that was used last when the engine has no default', async () => {
    const without = new ModelCatalog({ loaded: () => ['/models/a', '/models/b'], checkpoints: temp() });
    assert.deepEqual(await without.find(undefined), { id: 'b', model: '/models/b' });
    const none = new ModelCatalog({ loaded: () => [], checkpoints: temp() });
    await assert.rejects(none.find(null), { code: 'model-not-found', message: /serves none/ });
  });
});
