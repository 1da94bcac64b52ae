import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';
import { repositoryRoot } from '../fixtures';
import { homeAssistantPython, python313 } from '../mqtt/home-assistant/python-environment';
import { useTempFolder } from '../temp-folder';

const inputs = {
  picture: 'image.front_porch_picture',
  caption: 'sensor.front_porch_caption',
  describe: 'button.front_porch_describe_now',
  phone: '0123456789abcdef0123456789abcdef',
};

(python313 ? describe : describe.skip)('Home Assistant (needs Python 3.13)', function () {
  this.timeout(1_200_000);
  const path = useTempFolder();

  it('takes the notification blueprint, and the automation that it makes', async () => {
    const python = await homeAssistantPython();
    const folder = join(repositoryRoot, 'home-assistant', 'blueprints', 'automation');
    const { stdout } = await promisify(execFile)(python, [
      join(repositoryRoot, 'test', 'home-assistant', 'validate_blueprint.py'),
      join(folder, 'camera_caption_notification.yaml'),
      path(),
      JSON.stringify(inputs),
    ]);
    const { errors, parts } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      errors: unknown;
      parts: string[];
    };
    assert.equal(errors, null);
    for (const part of ['actions', 'conditions', 'triggers']) assert.ok(parts.includes(part), `${parts}`);
  });
});
