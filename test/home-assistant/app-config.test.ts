import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import sharp from 'sharp';
import { parse } from 'yaml';
import { repositoryRoot } from '../fixtures';
import { appConfigSchema, type OptionSchema, optionFaults } from './app-config-schema';

const folder = join(repositoryRoot, 'home-assistant', 'smolvlm');

interface AppConfig {
  readonly version: string;
  readonly slug: string;
  readonly ports: Readonly<Record<string, number | null>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly schema: Readonly<Record<string, OptionSchema>>;
}

describe("Home Assistant's app", () => {
  const config = yaml<AppConfig>('config.yaml');

  it("has a configuration that the Supervisor's documentation allows", () => {
    const validate = new Ajv({ allErrors: true, strict: false }).compile(appConfigSchema);
    assert.ok(validate(config), JSON.stringify(validate.errors, null, 2));
  });

  it('has defaults that its own schema accepts, and a default for every required option', () => {
    assert.deepEqual(optionFaults(config.schema, config.options), []);
    assert.notDeepEqual(optionFaults(config.schema, { ...config.options, threads: 'many' }), []);
    assert.notDeepEqual(optionFaults(config.schema, { ...config.options, model: undefined }), []);
  });

  it("has the package's version", () => {
    const { version } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as AppConfig;
    assert.equal(config.version, version);
  });

  it('names every option and port in each language, and no other', () => {
    const languages = readdirSync(join(folder, 'translations'));
    assert.deepEqual(languages.sort(), ['de.yaml', 'en.yaml', 'fr.yaml', 'zh-Hans.yaml']);
    for (const language of languages) {
      const { configuration, network } = yaml<
        Record<string, Record<string, { name: string; description: string }>>
      >(join('translations', language));
      assert.deepEqual(Object.keys(configuration ?? {}), Object.keys(config.schema), language);
      assert.deepEqual(Object.keys(network ?? {}), Object.keys(config.ports), language);
      for (const { name, description } of Object.values(configuration ?? {})) assert.ok(name && description);
    }
  });

  it('has the pictures and pages that the store shows', async () => {
    const { width, height, format } = await sharp(join(folder, 'icon.png')).metadata();
    assert.equal(format, 'png');
    assert.equal(width, height);
    for (const name of ['logo.png', 'DOCS.md', 'README.md', 'apparmor.txt', 'Dockerfile']) {
      assert.ok(existsSync(join(folder, name)), name);
    }
  });

  it('has an AppArmor profile of its slug, with balanced blocks', () => {
    const profile = readFileSync(join(folder, 'apparmor.txt'), 'utf8');
    assert.match(profile, new RegExp(`^profile ${config.slug} flags=`, 'm'));
    const rules = profile.replace(/^\s*#.*$/gm, '');
    assert.equal(rules.split(/\{\n/).length, rules.split(/^\}/m).length);
    for (const line of rules.split('\n').filter((each) => each.startsWith('  ') && each.trim() !== '')) {
      assert.match(line, /,$/);
    }
  });

  it('is a repository that the Supervisor can add', () => {
    const repository = parse(readFileSync(join(folder, '..', 'repository.yaml'), 'utf8')) as Record<
      string,
      string
    >;
    assert.deepEqual(Object.keys(repository), ['name', 'url', 'maintainer']);
  });
});

function yaml<Content>(path: string): Content {
  return parse(readFileSync(join(folder, path), 'utf8')) as Content;
}
