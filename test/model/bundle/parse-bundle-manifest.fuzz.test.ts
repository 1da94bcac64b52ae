import assert from 'node:assert/strict';
import { posix } from 'node:path';
import fc from 'fast-check';
import { SmolvlmError } from '../../../src/errors';
import type { BundleManifest } from '../../../src/model/bundle/bundle-manifest';
import { parseBundleManifest } from '../../../src/model/bundle/parse-bundle-manifest';
import { fuzz, fuzzTimeoutMs, mutatedJson, mutatedText } from '../../fuzz';
import { file, manifest } from './manifest-fixture';

/** Parses; what is accepted names only files inside the bundle. */
function check(text: string): void {
  let parsed: BundleManifest;
  try {
    parsed = parseBundleManifest(text, 'bundle.json');
  } catch (error) {
    assert.ok(error instanceof SmolvlmError, String(error));
    assert.match(error.message, /^bundle\.json: /);
    return;
  }
  for (const path of pathsIn(parsed)) {
    const inside = posix.normalize(path);
    assert.ok(!inside.startsWith('..') && !posix.isAbsolute(inside) && !/[\\\0]/.test(path), path);
  }
}

function pathsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === 'path' && typeof each === 'string' ? [each] : pathsIn(each),
  );
}

describe('bundle manifests, fuzzed', function () {
  this.timeout(fuzzTimeoutMs);

  it('with any value in any place are parsed, or refused by an error that names the file', async () => {
    await fuzz(fc.property(mutatedJson(manifest), (json) => check(JSON.stringify(json) ?? '')));
  });

  it('with odd paths never name a file outside the bundle', async () => {
    const part = fc.constantFrom(
      '..',
      '.',
      '',
      'a',
      '\\',
      '/',
      '%2e%2e',
      'C:',
      '..\\..',
      '\0',
      '~',
      'x'.repeat(300),
    );
    const path = fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/'));
    await fuzz(
      fc.property(path, (odd) => check(JSON.stringify({ ...manifest, host: { ...file, path: odd } }))),
    );
  });

  it('with damaged text are parsed, or refused by an error that names the file', async () => {
    await fuzz(fc.property(mutatedText(JSON.stringify(manifest)), check));
  });
});
