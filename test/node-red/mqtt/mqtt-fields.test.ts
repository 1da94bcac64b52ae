import assert from 'node:assert/strict';
import { mostCameras } from '../../../src/mqtt/topic-names';
import { camerasFault, isAddress, topicOf } from '../../../src/node-red/mqtt/mqtt-fields';

const isUnchecked = (text: string): boolean => text.startsWith('$');

describe('the fields of the MQTT dialog', () => {
  it('take the standard topic when they are blank, and leave slashes at the end out', () => {
    assert.equal(topicOf('base'), 'smolvlm');
    assert.equal(topicOf('discoveryPrefix', ' '), 'homeassistant');
    assert.equal(topicOf('frigatePrefix', 'nvr/'), 'nvr');
  });

  it('refuse topics that nothing can be published to', () => {
    for (const topic of ['a/#', 'a/+', '$SYS', '/a', 'a//b', 'a'.repeat(1025)]) {
      assert.throws(() => topicOf('base', topic), { code: 'mqtt-topic' });
    }
    assert.throws(() => topicOf('frigatePrefix', 'a/#'), /Frigate topic prefix: expected a topic/);
  });

  it('name the first fault of a list of cameras', () => {
    const porch = { name: 'porch', snapshot: 'http://camera/a.jpg' };
    const many = Array.from({ length: mostCameras + 1 }, (_, index) => ({ name: `camera ${index}` }));
    assert.equal(camerasFault([porch, { name: 'yard' }, { name: '$NAME' }], isUnchecked), undefined);
    assert.deepEqual(camerasFault([porch, { name: 'a/b' }], isUnchecked), { key: 'camera', name: 'a/b' });
    assert.deepEqual(camerasFault([porch, porch], isUnchecked), { key: 'twice' });
    assert.deepEqual(camerasFault(many, isUnchecked), { key: 'many', most: mostCameras });
    assert.deepEqual(camerasFault([{ ...porch, snapshot: 'porch.jpg' }], isUnchecked), { key: 'address' });
  });

  it('take an http(s) address, nothing, or what is not known yet', () => {
    for (const text of ['', 'https://camera/', 'HTTP://camera/', '$CAMERA']) {
      assert.ok(isAddress(text, isUnchecked), text);
    }
    for (const text of ['rtsp://camera/', 'http://[camera']) {
      assert.ok(!isAddress(text, isUnchecked), text);
    }
    assert.ok(isAddress('http://{user}:{password}@camera/', isUnchecked));
  });
});
