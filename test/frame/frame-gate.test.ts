import assert from 'node:assert/strict';
import { FrameGate, type GateSettings } from '../../src/frame/frame-gate';

const scene = '00000000000000ff';
const noisy = '00000000000000fe';
const other = 'ffffffff000000ff';

describe('FrameGate', () => {
  let now: number;
  let sent: number;
  beforeEach(() => {
    now = 1_000_000;
    sent = 0;
  });

  /** What becomes of a frame that arrives and is decoded. */
  function pass(
    gate: FrameGate,
    hash: string,
    { camera = 'porch', sha256 = String(sent++), age = 0 } = {},
  ): string {
    const held =
      gate.arrive({ camera, sha256, capturedAt: now - age }, now) ??
      gate.decoded(camera, hash, now, gate.unless(camera, now));
    return held?.reason ?? 'passed';
  }
  const gateOf = (settings: GateSettings): FrameGate => new FrameGate(settings);

  it('passes every frame when nothing is set', () => {
    const gate = gateOf({});
    for (let frame = 0; frame < 5; frame++)
      assert.equal(pass(gate, scene, { sha256: 'same', age: 1e9 }), 'passed');
    assert.equal(gate.unless('porch', now), undefined);
  });

  it('holds frames that show the same as the last one passed, for each camera', () => {
    const gate = gateOf({ unchangedBits: 4 });
    assert.equal(pass(gate, scene), 'passed');
    assert.equal(pass(gate, noisy), 'unchanged');
    assert.equal(pass(gate, noisy, { camera: 'yard' }), 'passed');
    assert.equal(pass(gate, other), 'passed');
    assert.equal(pass(gate, scene), 'passed');
    assert.deepEqual(gate.unless('porch', now), { differenceHash: scene, bits: 4 });
  });

  it('compares with the last frame that passed, so that a slow change is detected', () => {
    const gate = gateOf({ unchangedBits: 1 });
    assert.equal(pass(gate, '0000000000000000'), 'passed');
    assert.equal(pass(gate, '0000000000000001'), 'unchanged');
    assert.equal(pass(gate, '0000000000000003'), 'passed');
  });

  it('passes an unchanged frame after the refresh time', () => {
    const gate = gateOf({ unchangedBits: 4, refreshMs: 60_000 });
    assert.equal(pass(gate, scene), 'passed');
    now += 59_999;
    assert.equal(pass(gate, scene), 'unchanged');
    now += 1;
    assert.equal(pass(gate, scene), 'passed');
    assert.equal(pass(gate, scene), 'unchanged');
  });

  it('reports a stuck camera: the same bytes again, or a picture that is too old', () => {
    const gate = gateOf({ staleRepeats: 3, maxAgeMs: 5000 });
    const told = [1, 2, 3, 4].map(() => pass(gate, scene, { sha256: 'x' }));
    assert.deepEqual(told, ['passed', 'passed', 'stale', 'stale']);
    assert.equal(pass(gate, scene, { sha256: 'y' }), 'passed');
    assert.equal(pass(gate, scene, { age: 5000 }), 'passed');
    assert.equal(pass(gate, scene, { age: 5001 }), 'stale');
    assert.match(
      gate.arrive({ camera: 'porch', sha256: 'z', capturedAt: now - 9000 }, now)?.message ?? '',
      /9\.0 s old/,
    );
  });

  it('passes a burst, then pauses', () => {
    const gate = gateOf({ cooldownMs: 10_000, burst: 3 });
    const told = [1, 2, 3, 4].map(() => {
      now += 100;
      return pass(gate, scene);
    });
    assert.deepEqual(told, ['passed', 'passed', 'passed', 'cooldown']);
    assert.equal(pass(gate, scene, { camera: 'yard' }), 'passed');
    now += 9_900;
    assert.equal(pass(gate, scene), 'passed');
    assert.equal(pass(gate, scene), 'passed');
  });

  it('counts only frames that were let through towards the burst', () => {
    const gate = gateOf({ cooldownMs: 10_000, unchangedBits: 4 });
    assert.equal(pass(gate, scene), 'passed');
    now += 10_000;
    assert.equal(pass(gate, scene), 'unchanged');
    assert.equal(pass(gate, other), 'passed');
    assert.equal(pass(gate, scene), 'cooldown');
  });

  it('resets a camera, or all of them, on request', () => {
    const gate = gateOf({ unchangedBits: 4 });
    for (const camera of ['a', 'b']) pass(gate, scene, { camera });
    gate.reset('a');
    assert.equal(pass(gate, scene, { camera: 'a' }), 'passed');
    assert.equal(pass(gate, scene, { camera: 'b' }), 'unchanged');
    gate.reset();
    assert.equal(pass(gate, scene, { camera: 'b' }), 'passed');
  });

  it('resets the zones of a camera with it, and no other camera', () => {
    const gate = gateOf({ unchangedBits: 4 });
    for (const camera of ['a/door', 'ab']) pass(gate, scene, { camera });
    gate.reset('a');
    assert.equal(pass(gate, scene, { camera: 'a/door' }), 'passed');
    assert.equal(pass(gate, scene, { camera: 'ab' }), 'unchanged');
  });

  it('remembers a bounded number of cameras', () => {
    const gate = gateOf({ unchangedBits: 4 });
    for (let camera = 0; camera < 3000; camera++) pass(gate, scene, { camera: String(camera) });
    assert.equal(pass(gate, scene, { camera: '2999' }), 'unchanged');
    assert.equal(pass(gate, scene, { camera: '0' }), 'passed');
  });
});
