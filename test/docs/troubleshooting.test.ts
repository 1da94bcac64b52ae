import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { doctorChecks } from '../../src/platform/doctor/examine';
import { repositoryRoot } from '../fixtures';
import { errorCodes } from './error-codes';
import { namedInTables, readPage } from './markdown';

/** The section of words that are not error codes. */
const notErrors = /^## Not errors/;

describe('docs/troubleshooting.md', () => {
  const page = readPage('docs/troubleshooting.md');
  const dropReasons = unionMembers('src/protocol/events.ts', 'DropReason');
  const heldReasons = unionMembers('src/frame/frame-gate.ts', 'HeldReason');
  const codes = errorCodes({ reason: dropReasons });
  const rows = namedInTables({ ...page, text: page.text.split(/^(?=## Not errors)/m)[0] ?? '' });

  it('can be compared: the sources name the code of every error', () => {
    assert.deepEqual(codes.unread, []);
    for (const code of [
      'image-html',
      'node-no-broker',
      'backend-rknn-call',
      'checkpoint-overlap',
      'npu-slow',
      'usage',
    ]) {
      assert.ok(codes.places.has(code), code);
    }
  });

  it('has a row for every code', () => {
    const without = [...codes.places].filter(([code]) => !rows.includes(code));
    assert.deepEqual(
      without.map(([code, places]) => `${code} (${[...places].join(', ')})`),
      [],
    );
  });

  it('names no code that does not exist, and none twice', () => {
    assert.deepEqual(
      rows.filter((code) => !codes.places.has(code)),
      [],
    );
    assert.deepEqual(
      rows.filter((code, index) => rows.indexOf(code) !== index),
      [],
    );
  });

  it('explains every reason for which a frame is dropped or held back', () => {
    assert.deepEqual(namedInTables(page, notErrors).toSorted(), [...dropReasons, ...heldReasons].toSorted());
  });
});

describe('docs/doctor.md', () => {
  it('explains every check of the doctor, by its id', () => {
    assert.deepEqual(
      namedInTables(readPage('docs/doctor.md'), /^## The checks/).toSorted(),
      doctorChecks.map(({ id }) => id).toSorted(),
    );
  });
});

/** The strings of a type written as `export type NAME = 'a' | 'b';`. */
function unionMembers(source: string, name: string): readonly string[] {
  const text = readFileSync(join(repositoryRoot, source), 'utf8');
  const [, members = ''] = new RegExp(`^export type ${name} =([^;]+);`, 'm').exec(text) ?? [];
  return [...members.matchAll(/'([^']+)'/g)].map(([, member = '']) => member);
}
