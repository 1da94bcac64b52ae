import assert from 'node:assert/strict';
import { checkCameraName, DescribeTopics, isPublishTopic } from '../../src/mqtt/describe-topics';

describe('describe topics', () => {
  const topics = new DescribeTopics('home/vlm');

  it('finds the camera of its own describe topics, and of no others', () => {
    assert.equal(topics.cameraOf(topics.describe('porch')), 'porch');
    assert.equal(topics.cameraOf('home/vlm/Hinter hof 2/describe'), 'Hinter hof 2');
    for (const topic of [
      'home/vlm/porch/caption',
      'home/vlm/describe',
      'home/vlm//describe',
      'home/vlm/a/b/describe',
      'x/porch/describe',
      'home/vlm/a\u0001/describe',
      `home/vlm/${'a'.repeat(65)}/describe`,
    ]) {
      assert.equal(topics.cameraOf(topic), undefined, topic);
    }
  });

  it('refuses a base that no topic can begin with', () => {
    for (const base of ['', '/a', 'a/', 'a//b', 'a/+', '#', '$SYS', 'a\0']) {
      assert.throws(() => new DescribeTopics(base), { code: 'mqtt-topic' }, base);
    }
  });

  it('names every camera differently where only letters, digits, _ and - may stand', () => {
    const names = ['porch', 'porch 1', 'porch_1', 'porch-1', 'Höfe', 'Hofe', '東', '西', 'porch ', 'PORCH'];
    const ids = names.map((name) => topics.id(name));
    assert.equal(new Set(ids).size, names.length, ids.join(', '));
    for (const id of ids) assert.match(id, /^[a-zA-Z0-9_-]+$/);
    assert.equal(topics.id('porch'), 'home-vlm-porch');
    assert.notEqual(new DescribeTopics('a_b').id('c'), new DescribeTopics('a/b').id('c'));
  });

  it('refuses camera names that are no level of a topic', () => {
    for (const name of ['', 'a/b', 'a+', '#', '$x', 'a\n', 'a'.repeat(65)]) {
      assert.throws(() => checkCameraName(name), { code: 'mqtt-camera-name' });
    }
  });

  it('knows what may be published to', () => {
    for (const topic of ['a', 'a/b', '/a']) assert.ok(isPublishTopic(topic));
    for (const topic of ['', 'a/+', '#', '$SYS/x', 'a\0', 'a'.repeat(70_000)])
      assert.ok(!isPublishTopic(topic));
  });
});
