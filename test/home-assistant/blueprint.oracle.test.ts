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
  const folder = join(repositoryRoot, 'home-assistant', 'blueprints', 'automation');

  it('takes the notification blueprint, and the automation that it makes', async () => {
    const python = await homeAssistantPython();
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

  it('runs that automation: a notification with the picture, cooldown, ask again, quiet hours and words', async () => {
    const python = await homeAssistantPython();
    const { stdout } = await promisify(execFile)(python, [
      join(repositoryRoot, 'test', 'home-assistant', 'run_blueprint.py'),
      join(folder, 'camera_caption_notification.yaml'),
      path(),
    ]);
    interface Told {
      readonly press?: readonly string[];
      readonly notify?: { readonly message: string; readonly title: string; readonly data: unknown };
    }
    const told = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Readonly<
      Record<'cooldown' | 'quietHours' | 'words', readonly Told[]>
    >;
    const brief = (each: readonly Told[]): readonly unknown[] =>
      each.map(({ press, notify }) => press?.[0] ?? notify?.message);
    assert.deepEqual(brief(told.cooldown), [
      'A parcel lies on the porch.',
      inputs.describe,
      'The parcel is gone.',
    ]);
    assert.deepEqual(brief(told.quietHours), [inputs.describe, 'Somebody asked.']);
    assert.deepEqual(brief(told.words), ['A PERSON at the door.']);
    const [first] = told.cooldown;
    assert.equal(first?.notify?.title, 'Front porch');
    assert.deepEqual(first?.notify?.data, {
      tag: 'smolvlm_image_front_porch_picture',
      image: '/api/image_proxy/image.front_porch_picture?n=1',
      url: '/lovelace/cameras',
      clickAction: '/lovelace/cameras',
      actions: [{ action: 'SMOLVLM_ASK_IMAGE_FRONT_PORCH_PICTURE', title: 'Ask again' }],
    });
  });
});
