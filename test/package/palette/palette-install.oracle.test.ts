import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../fixtures';
import { leastRuntime, node24, otherRuntimes } from '../test-runtimes';
import { testPaletteInstall } from './palette-install';

testPaletteInstall(
  [leastRuntime, ...otherRuntimes],
  ({ node }) => node === node24 || node === leastRuntime.node,
);

it('the oldest Node.js of these is the oldest that package.json allows', () => {
  const { engines } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
  assert.equal(`${engines.node}.0`, `>=${leastRuntime.node}`);
});
