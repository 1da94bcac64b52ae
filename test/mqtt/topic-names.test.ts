import assert from 'node:assert/strict';
import { checkBase, checkCameraName, isPublishTopic, topicPrefix } from '../../src/mqtt/topic-names';

describe('names in MQTT topics', () => {
  it('refuses camera names that cannot be one level of a topic', () => {
    for (const name of ['', 'a/b', 'a+', '#', '$x', 'a\n', 'a'.repeat(65)]) {
      assert.throws(() => checkCameraName(name), { code: 'mqtt-camera-name' });
    }
  });

  it('accepts topics that can be published to and refuses others', () => {
    for (const topic of ['a', 'a/b', '/a']) assert.ok(isPublishTopic(topic));
    for (const topic of ['', 'a/+', '#', '$SYS/x', 'a\0', '\udfff', 'a'.repeat(70_000)])
      assert.ok(!isPublishTopic(topic));
  });

  it('leaves slashes at the end of a prefix out, and refuses a base with empty levels', () => {
    assert.equal(topicPrefix(' home/vlm/ ', 'prefix'), 'home/vlm');
    assert.equal(checkBase('home/vlm'), 'home/vlm');
    for (const base of ['/a', 'a/', 'a//b', '', 'a/+'])
      assert.throws(() => checkBase(base), { code: 'mqtt-topic' });
  });
});
