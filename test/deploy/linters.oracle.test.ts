import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '../fixtures';
import { hasPython, pythonPrograms } from '../python-programs';

const dockerfiles = ['deploy/Dockerfile', 'home-assistant/smolvlm/Dockerfile'];
const scripts = ['deploy/install.sh', 'home-assistant/smolvlm/rootfs/opt/smolvlm-app/install.sh'];

describe('linters of containers and shell scripts', function () {
  this.timeout(120_000);
  let programs: string;

  before(async function () {
    if (!hasPython) this.skip();
    programs = await pythonPrograms('linters', join(repositoryRoot, 'test', 'deploy', 'requirements.txt'));
  });

  function lint(program: string, files: readonly string[]): void {
    const { status, stdout, stderr } = spawnSync(join(programs, program), files, {
      cwd: repositoryRoot,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  }

  it('hadolint finds nothing in the Dockerfiles', () => lint('hadolint', dockerfiles));
  it('shellcheck finds nothing in the scripts', () => lint('shellcheck', scripts));
});
