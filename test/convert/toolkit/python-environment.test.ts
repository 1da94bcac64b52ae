import assert from 'node:assert/strict';
import { droppedVariables, pythonEnvironment } from '../../../src/convert/toolkit/python-environment';

describe('the environment of a Python that converts', () => {
  const hostile = {
    PYTHONPATH: '/elsewhere',
    PYTHONHOME: '/none',
    CONDA_PREFIX: '/opt/conda',
    VIRTUAL_ENV: '/opt/env',
    PIP_USER: '1',
    PIP_TARGET: '/elsewhere',
    PIP_REQUIRE_VIRTUALENV: '1',
  };
  const useful = { PIP_INDEX_URL: 'https://mirror.test/simple', PIP_CERT: '/etc/ca.pem', PATH: '/usr/bin' };
  const saved = { ...process.env };
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    Object.assign(process.env, saved);
  });

  it('has no variable that redirects Python or pip, and keeps where packages come from', () => {
    Object.assign(process.env, hostile, useful);
    const environment = pythonEnvironment({ TMPDIR: '/work' });
    for (const name of Object.keys(hostile)) assert.equal(environment[name], undefined, name);
    for (const [name, value] of Object.entries(useful)) assert.equal(environment[name], value);
    assert.equal(environment.TMPDIR, '/work');
    assert.equal(environment.HF_HUB_OFFLINE, '1');
  });

  for (const [name, value] of Object.entries(hostile)) {
    it(`has no ${name} where that alone is set, and names it`, () => {
      process.env[name] = value;
      assert.equal(name in pythonEnvironment(), false);
      assert.ok(droppedVariables().includes(name));
    });
  }

  it('names what was left out, except for what only changes printing', () => {
    const all = { ...hostile, ...useful, PYTHONUNBUFFERED: '1', PIP_NO_INPUT: '1', PYTHONSTARTUP: '' };
    assert.deepEqual(droppedVariables(all), Object.keys(hostile).sort());
    assert.deepEqual(droppedVariables(useful), []);
  });
});
