import assert from 'node:assert/strict';
import { DescribeTopics } from '../../src/mqtt/describe-topics';

describe('describe topics', () => {
  const topics = new DescribeTopics('home/vlm');

  it('finds the camera in its describe topics', () => {
    assert.deepEqual(topics.parse(topics.describe('porch')), { kind: 'request', camera: 'porch' });
    assert.deepEqual(topics.parse('home/vlm/Hinter hof 2/describe'), {
      kind: 'request',
      camera: 'Hinter hof 2',
    });
    for (const topic of ['home/vlm/porch/caption', 'home/vlm/describe', 'x/porch/describe']) {
      assert.equal(topics.parse(topic), undefined, topic);
    }
  });

  it('distinguishes a describe topic with a name that a camera cannot have', () => {
    for (const name of ['', 'a/b', 'a\u0001', 'a'.repeat(65), '$x']) {
      assert.deepEqual(topics.parse(`home/vlm/${name}/describe`), { kind: 'wrong-name', name });
    }
  });

  it('refuses a base that no topic can begin with', () => {
    for (const base of [
      '',
      '/a',
      'a/',
      'a//b',
      'a/+',
      '#',
      '$SYS',
      'a\0',
      'a\n',
      '\ud800',
      'a'.repeat(1025),
    ]) {
      assert.throws(() => new DescribeTopics(base), { code: 'mqtt-topic' }, base);
    }
  });

  it('gives every camera a different id of letters, digits, _ and -', () => {
    const names = ['porch', 'porch 1', 'porch_1', 'porch-1', 'Höfe', 'Hofe', '東', '西', 'porch ', 'PORCH'];
    const ids = names.map((name) => topics.id(name));
    assert.equal(new Set(ids).size, names.length, ids.join(', '));
    for (const id of ids) assert.match(id, /^[a-zA-Z0-9_-]+$/);
    assert.equal(topics.id('porch'), 'home-vlm-porch');
    assert.notEqual(new DescribeTopics('a_b').id('c'), new DescribeTopics('a/b').id('c'));
  });
});
