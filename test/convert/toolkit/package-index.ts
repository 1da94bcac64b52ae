import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { repositoryRoot } from '../../fixtures';

/** Writes wheels of one empty module each; rknn-toolkit2 imports numpy, as the real one does. Arguments: folder, NAME==VERSION… */
const writeWheels = `
import os, sys, zipfile
for requirement in sys.argv[2:]:
    name, version = requirement.split("==")
    stem = name.replace("-", "_").replace(".", "_")
    info = "%s-%s.dist-info/" % (stem, version)
    files = {
        info + "METADATA": "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version),
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "RECORD": "",
    }
    if name == "rknn-toolkit2":
        files["rknn/__init__.py"] = ""
        files["rknn/api.py"] = "import numpy\\nclass RKNN: pass\\n"
    else:
        files[stem + ".py"] = ""
    with zipfile.ZipFile(os.path.join(sys.argv[1], "%s-%s-py3-none-any.whl" % (stem, version)), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
`;

/**
 * A package index on the loopback interface with empty packages of the names and versions that the set-up installs.
 * @param folder for the wheels @returns its address, and a function that closes it
 */
export async function startPackageIndex(
  folder: string,
  toolkit: string,
): Promise<{ url: string; close: () => void }> {
  const requirements = readFileSync(join(repositoryRoot, 'python', 'requirements.txt'), 'utf8');
  const pinned = [...(requirements.match(/^[A-Za-z][\w.-]*==[\w.]+/gm) ?? []), `rknn-toolkit2==${toolkit}`];
  execFileSync('python3', ['-c', writeWheels, folder, ...pinned]);
  const wheels = pinned.map((each) => each.split('==') as [string, string]);
  const server = createServer(({ url = '' }, response) => {
    const [, kind, name = ''] = url.split('/');
    if (kind === 'wheels') {
      response.end(readFileSync(join(folder, name)));
      return;
    }
    const files = wheels
      .filter(([each]) => each.toLowerCase().replaceAll(/[._]/g, '-') === name)
      .map(([each, version]) => `${each.replaceAll(/[-.]/g, '_')}-${version}-py3-none-any.whl`);
    response.setHeader('content-type', 'text/html');
    response.end(files.map((file) => `<a href="/wheels/${file}">${file}</a>`).join('\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/simple`, close: () => server.close() };
}
