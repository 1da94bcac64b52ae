import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../fixtures';
import { leastRuntime, newestNode, otherRuntimes } from '../test-runtimes';
import { testPaletteInstall } from './palette-install';

testPaletteInstall(
  [leastRuntime, ...otherRuntimes],
  ({ node }) => node === newestNode || node === leastRuntime.node,
);

it('the oldest Node.js and Node-RED of these are the oldest that package.json allows', () => {
  const text = readFileSync(join(repositoryRoot, 'package.json'), 'utf8');
  const { engines, 'node-red': declared } = JSON.parse(text);
  assert.equal(`${engines.node}.0`, `>=${leastRuntime.node}`);
  assert.equal(declared.version, `>=${leastRuntime.nodeRed}`);
});
