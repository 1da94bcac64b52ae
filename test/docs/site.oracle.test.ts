import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../fixtures';

describe('the documentation as a site', function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-site-'));
  before(async () => {
    // A link to a page that does not exist ends the build with 1.
    const args = ['vitepress', 'build', 'scripts/site', '--outDir', folder];
    await promisify(execFile)('npx', ['--no-install', ...args], { cwd: repositoryRoot });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has every page of docs/, README as its first', () => {
    const pages = readdirSync(join(repositoryRoot, 'docs'), { recursive: true, encoding: 'utf8' });
    for (const page of pages.filter((path) => path.endsWith('.md'))) {
      const path = `docs/${page.replace(/README\.md$/, 'index.md')}`.replace(/\.md$/, '.html');
      assert.ok(existsSync(join(folder, path)), path);
    }
    assert.match(readFileSync(join(folder, 'index.html'), 'utf8'), /Captions for home cameras/);
  });

  it('shows templates in double braces as they are written', () => {
    const page = readFileSync(join(folder, 'docs/nodes/smolvlm-caption.html'), 'utf8');
    assert.match(page, /<code>\{\{camera\}\}<\/code>/);
  });

  it('can be searched', () => {
    const assets = readdirSync(join(folder, 'assets'), { recursive: true, encoding: 'utf8' });
    const index = assets.find((path) => /localSearchIndex.*\.js$/.test(path));
    assert.ok(index);
    assert.match(readFileSync(join(folder, 'assets', index), 'utf8'), /parcel/);
  });
});
