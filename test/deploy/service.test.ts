import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { command as serve } from '../../src/cli/serve';
import { repositoryRoot } from '../fixtures';

const folder = join(repositoryRoot, 'deploy');
const unit = join(folder, 'smolvlm.service');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('deploy/smolvlm.service', () => {
  it('starts the engine with options that the command has', () => {
    const [line = ''] = /^ExecStart=.*$/m.exec(readFileSync(unit, 'utf8')) ?? [];
    assertServeOptions(line.split(' '));
  });

  it('is exposed by no more than the page on hubs says, as systemd judges it', function () {
    if (!hasSystemd) this.skip();
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
      encoding: 'utf8',
    });
    const [, score] = /exposure level for smolvlm\.service: ([\d.]+)/.exec(stdout) ?? [];
    if (score === undefined) this.skip(); // systemd before 250 reads no files
    const [, stated] =
      /exposure level of ([\d.]+)/.exec(
        readFileSync(join(repositoryRoot, 'docs', 'home-assistant.md'), 'utf8'),
      ) ?? [];
    assert.ok(Number(score) <= Number(stated), `${score}, the page says ${stated}`);
  });
});

describe('deploy/compose.yaml', () => {
  const { services, volumes, secrets } = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8')) as {
    services: Record<
      string,
      { command?: string[]; volumes?: string[]; secrets?: string[]; ports?: string[] }
    >;
    volumes: object;
    secrets: object;
  };

  it('runs the engine, Node-RED and a broker, with volumes and secrets that it declares', () => {
    assert.deepEqual(Object.keys(services), ['engine', 'node-red', 'mosquitto']);
    const used = Object.values(services).flatMap((service) => service.volumes ?? []);
    for (const volume of used) assert.ok((volume.split(':')[0] ?? '') in volumes, volume);
    for (const secret of services.engine?.secrets ?? []) assert.ok(secret in secrets, secret);
    assertServeOptions(services.engine?.command ?? []);
  });

  it('publishes only the editor, on this machine alone', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    assert.deepEqual(ports, ['127.0.0.1:1880:1880']);
  });
});

function assertServeOptions(words: readonly string[]): void {
  const names = words.filter((word) => word.startsWith('--'));
  assert.ok(names.length >= 4);
  for (const name of names) assert.ok(name.slice(2) in serve.options, name);
}
