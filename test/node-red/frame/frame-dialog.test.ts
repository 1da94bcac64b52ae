import assert from 'node:assert/strict';
import { frameSettings } from '../../../src/node-red/frame/frame-dialog';

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
      [{ zones: [zone, zone] }, /^zones: expected zones with different names, received a, a/],
    ] as const) {
      assert.throws(() => frameSettings(dialog as never), { code: 'node-property', message });
    }
  });
});
