import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';

/** Files of this package that a process has loaded after a module, relative to the build. */
function loadedAfter(module: string): readonly string[] {
  const dist = join(repositoryRoot, 'dist');
  const script = `require(${JSON.stringify(join(dist, module))}); console.log(Object.keys(require.cache).join('\\n'))`;
  return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    .split('\n')
    .filter((path) => path.startsWith(dist))
    .map((path) => path.slice(dist.length + 1));
}

describe('the start of an engine', () => {
  it('loads the server, and neither the doctor nor what fetches models', () => {
    const loaded = loadedAfter('src/cli/serve.js');
    assert.ok(loaded.includes('src/server/http-server.js'));
    const unneeded = /^src\/platform\/doctor\/|\/hub-pull\.js$|\/cache-contents\.js$|\/model-family\.js$/;
    assert.deepEqual(
      loaded.filter((path) => unneeded.test(path)),
      [],
    );
  });
});
