import assert from 'node:assert/strict';
import { serviceSettings } from '../../../src/node-red/mqtt/mqtt-dialog';

describe('the dialog of smolvlm-mqtt', () => {
  it('has a default for every field', () => {
    assert.deepEqual(serviceSettings({}, {}, {}), {
      base: 'smolvlm',
      qos: 1,
      cameras: [],
      prompt: 'Describe this image.',
      defaults: { detail: 'low' },
      discoveryPrefix: 'homeassistant',
      allowAddresses: true,
      publishPicture: true,
    });
  });

  it('reads every field, numbers as text too, over the defaults of the engine', () => {
    const settings = serviceSettings(
      {
        base: ' home/vlm/ ',
        qos: '0',
        cameras: [
          { name: ' porch ', title: ' Front porch ', snapshot: ' http://cam/a ' },
          { name: 'hall', title: '' },
        ],
        prompt: 'Who?',
        detail: 'full',
        maxTokens: '40',
        deadline: '2.5',
        discovery: false,
        frigate: true,
        frigatePrefix: 'nvr',
        frigateUrl: 'http://nvr:5000',
        frigateLabels: 'person, ,car',
        allowAddresses: false,
        publishPicture: false,
      },
      {},
      { model: 'demo', maxAgeMs: 1000 },
    );
    assert.deepEqual(settings, {
      base: 'home/vlm',
      qos: 0,
      cameras: [{ name: 'porch', title: 'Front porch', snapshot: new URL('http://cam/a') }, { name: 'hall' }],
      prompt: 'Who?',
      defaults: { model: 'demo', maxAgeMs: 1000, detail: 'full', maxNewTokens: 40, deadlineMs: 2500 },
      frigate: { prefix: 'nvr', labels: ['person', 'car'], url: new URL('http://nvr:5000') },
      allowAddresses: false,
      publishPicture: false,
    });
  });

  it('gives user and password to snapshot addresses that have none', () => {
    const cameras = [
      { name: 'a', snapshot: 'http://cam/a' },
      { name: 'b', snapshot: 'http://own:secret@cam/b' },
    ];
    const { cameras: read } = serviceSettings({ cameras }, { user: 'me@home', password: 'p:w' }, {});
    assert.deepEqual(
      read.map(({ snapshot }) => snapshot?.href),
      ['http://me%40home:p%3Aw@cam/a', 'http://own:secret@cam/b'],
    );
  });

  it('names what is wrong', () => {
    for (const [dialog, code, words] of [
      [{ base: 'a/#' }, 'mqtt-topic', /base topic: .*"a\/#"/],
      [{ discoveryPrefix: '+' }, 'mqtt-topic', /discovery prefix/],
      [{ frigate: true, frigatePrefix: '#' }, 'mqtt-topic', /Frigate topic prefix/],
      [{ frigate: true, frigateUrl: 'nvr:5000' }, 'mqtt-address', /Frigate: .*"nvr:5000"/],
      [{ cameras: [{ title: 'Porch' }] }, 'mqtt-camera-name', /received ""/],
      [{ cameras: [{ name: 'a', snapshot: 'cam/a' }] }, 'mqtt-address', /camera "a".*"cam\/a"/],
      [{ cameras: [{ name: 'a' }, { name: ' a' }] }, 'mqtt-cameras', /"a" is listed twice/],
    ] as const) {
      assert.throws(() => serviceSettings(dialog, {}, {}), { code, message: words });
    }
  });
});
