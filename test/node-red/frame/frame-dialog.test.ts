import assert from 'node:assert/strict';
import { frameSettings, sourceCredentials, sourceSettings } from '../../../src/node-red/frame/frame-dialog';

const triangle = [
  [0, 0],
  [1, 0],
  [0.5, 1],
] as const;

describe('frameSettings', () => {
  it('turns the dialog’s seconds and minutes into milliseconds, and leaves out what is blank', () => {
    const dialog = {
      unchanged: true,
      refresh: '2',
      cooldown: '1.5',
      burst: '3',
      staleRepeats: '5',
      maxAge: '60',
    };
    assert.deepEqual(frameSettings({ ...dialog, maxSide: '', quality: '' }), {
      gate: {
        ...{ unchangedBits: 10, refreshMs: 120_000, staleRepeats: 5, maxAgeMs: 60_000 },
        ...{ cooldownMs: 1500, burst: 3 },
      },
      options: {},
      zones: [],
    });
    assert.deepEqual(frameSettings({}).gate, {});
  });

  it('takes shapes as arrays or as JSON, as subflow properties give them', () => {
    const zones = [{ name: 'door', x: 0, y: 0, width: 0.5, height: 1 }];
    const given = frameSettings({ masks: JSON.stringify([triangle]), zones: JSON.stringify(zones) });
    assert.deepEqual([given.options.masks, given.zones], [[triangle], zones]);
  });

  it('refuses what is out of bounds, by the field’s name', () => {
    const zone = { name: 'a', x: 0, y: 0, width: 1, height: 1 };
    for (const [dialog, message] of [
      [
        { unchanged: true, unchangedBits: 513 },
        /^unchangedBits: expected a whole number from 0 to 512, received 513/,
      ],
      [{ burst: 0 }, /^burst/],
      [{ quality: '101' }, /^quality/],
      [{ masks: '[[' }, /^masks: expected a JSON array/],
      [
        {
          masks: [
            [
              [0, 0],
              [2, 0],
              [0, 1],
            ],
          ],
        },
        /^masks: expected shapes/,
      ],
      [{ zones: [{ ...zone, x: 0.5 }] }, /^zones: expected shapes/],
      [{ zones: [zone, zone] }, /^zones: expected zones of different names, received a, a/],
    ] as const) {
      assert.throws(() => frameSettings(dialog as never), { code: 'node-property', message });
    }
  });
});

describe('sourceSettings', () => {
  it('has sensible times where the dialog says nothing', () => {
    assert.deepEqual(sourceSettings({ source: 'snapshot', url: 'http://camera/snap' }), {
      ...{ kind: 'snapshot', url: new URL('http://camera/snap'), timeoutMs: 10_000, retries: 2 },
    });
    assert.deepEqual(sourceSettings({ source: 'rtsp', url: 'rtsp://camera/live', interval: '20' }), {
      ...{ kind: 'rtsp', url: new URL('rtsp://camera/live'), intervalMs: 20_000, silentMs: 60_000 },
    });
    assert.deepEqual(sourceSettings({ source: 'folder', folder: ' /in ' }), {
      ...{ kind: 'folder', folder: '/in', intervalMs: 1000 },
    });
  });

  it('refuses intervals longer than a day and timeouts longer than an hour', () => {
    for (const [field, most] of [
      ['interval', 86_400],
      ['timeout', 3_600],
    ] as const) {
      assert.throws(
        () => sourceSettings({ source: 'snapshot', url: 'http://camera/snap', [field]: most + 1 }),
        {
          ...{
            code: 'node-property',
            message: new RegExp(`^${field}: expected a number from .* to ${most},`),
          },
        },
      );
    }
  });

  it('takes a user without a password, and no password without a user', () => {
    assert.deepEqual(sourceCredentials({ user: 'me' }), { user: 'me', password: '' });
    assert.equal(sourceCredentials({ user: '', password: 'x' }), undefined);
    assert.equal(sourceCredentials(undefined), undefined);
  });
});
