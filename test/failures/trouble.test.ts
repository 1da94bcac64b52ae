import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SmolvlmError } from '../../src/errors';
import { type TroubleKey, troubleOf } from '../../src/failures/trouble';
import { connectionFailure } from '../../src/mqtt/transport/connection-error';
import { NodeFailure } from '../../src/node-red/failures/node-failure';
import { repositoryRoot } from '../fixtures';

/** Codes of Troubleshooting that no node, dialog or page can meet, or that only a defect causes. */
const otherCodes = [...['internal', 'usage', 'inspect-target'], ...['unchanged', 'cooldown', 'stale']];
const otherRooms = /^(bench|certificate|doctor|emulator|watch)-/;

describe('troubleOf', () => {
  it('has words for every code that a node, a dialog or the captions page can meet', () => {
    const page = readFileSync(join(repositoryRoot, 'docs/troubleshooting.md'), 'utf8');
    const codes = [...page.matchAll(/^\| ((?:`[a-z\d-]+`(?:, )?)+)/gm)].flatMap(([, row = '']) =>
      [...row.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code),
    );
    assert.ok(codes.length > 100);
    assert.deepEqual(
      codes.filter(
        (code) => troubleOf(code).key === 'other' && !otherCodes.includes(code) && !otherRooms.test(code),
      ),
      [],
    );
  });

  it('tells why a picture cannot be fetched', () => {
    const reasons: readonly (readonly [string, TroubleKey, string?])[] = [
      ['connect ECONNREFUSED 127.0.0.1:1', 'refused'],
      ['getaddrinfo ENOTFOUND camera.local', 'unknownHost'],
      ['no answer within 10000 ms', 'timeout'],
      ['http://camera/ answered 404', 'notFound'],
      ['http://camera/ answered 503', 'status', '503'],
      ['socket hang up', 'noAnswer'],
    ];
    for (const [message, key, status] of reasons) {
      const trouble = troubleOf(new NodeFailure(new SmolvlmError('image-fetch', message)));
      assert.deepEqual([trouble.key, trouble.values?.status], [key, status], message);
    }
  });

  it('tells a broker that does not answer from one that refuses', () => {
    const { error } = connectionFailure(
      '127.0.0.1:1883',
      Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1883'), { code: 'ECONNREFUSED' }),
      false,
    );
    assert.equal(troubleOf(error).key, 'brokerSilent');
    assert.match(error.hint ?? '', /^Check that the broker is running/);
    assert.equal(troubleOf('mqtt-broker-protocol').key, 'broker');
  });

  it('knows an answer that has none of these codes by its HTTP status', () => {
    assert.deepEqual(troubleOf('http-502'), { key: 'serverStatus', values: { status: '502' } });
    assert.equal(troubleOf('http-403').key, 'notPermitted');
    assert.equal(troubleOf('http-0').key, 'noServer');
  });

  it('tells a login that nobody has entered from one that is refused', () => {
    const of = (code: string, message: string) => troubleOf(new SmolvlmError(code, message)).key;
    const camera = 'http://camera/ answered 401 Unauthorized';
    assert.equal(of('image-login', `${camera}, and no user and password are given`), 'loginMissing');
    assert.equal(of('image-login', camera), 'loginRefused');
    const token = "expected the engine's bearer token, received";
    assert.equal(of('request-unauthorized', `${token} none`), 'tokenMissing');
    assert.equal(of('request-unauthorized', `${token} a wrong one`), 'tokenRefused');
  });

  it('names the setting that is wrong', () => {
    const error = new SmolvlmError('node-property', 'maxSide: expected a whole number, received big');
    assert.deepEqual(troubleOf(error), { key: 'field', values: { field: 'maxSide' } });
  });
});
