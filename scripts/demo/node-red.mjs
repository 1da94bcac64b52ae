import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** Time Node-RED gets to close its nodes; its own limit for a node is 15 s. */
const stopMs = 20_000;

/**
 * A real Node-RED in its own folder, with this package and one file of flows.
 * @param options.broker port that takes the place of the flows' 1883
 * @param options.log receives Node-RED's output
 * @param options.settings Node-RED's, beside those of every demo
 * @param options.program another Node.js (`node`) and Node-RED (`red`, its red.js) than this one
 */
export async function startNodeRed({
  root,
  folder,
  port,
  flows,
  broker,
  environment,
  log,
  program,
  settings: more = {},
}) {
  mkdirSync(join(folder, 'node_modules', '@rk3588'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules', '@rk3588', 'node-red-smolvlm'));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'smolvlm-demo', private: true, version: '0.0.1' }),
  );
  writeFileSync(
    join(folder, 'settings.js'),
    `module.exports = ${JSON.stringify({ ...settings(port), ...more })};\n`,
  );
  const text = readFileSync(flows, 'utf8').replaceAll('"port": "1883"', `"port": "${broker}"`);
  writeFileSync(join(folder, 'flows.json'), text);
  const { node, red } = program ?? {
    node: process.execPath,
    red: join(dirname(require.resolve('node-red/package.json')), 'red.js'),
  };
  const child = spawn(node, [red, '--userDir', folder], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
    // Ctrl-C goes to the terminal's whole group; this one is stopped in order.
    detached: true,
  });
  child.stdout.on('data', log);
  child.stderr.on('data', log);
  return {
    url: `http://127.0.0.1:${port}/`,
    pid: child.pid,
    exited: once(child, 'exit'),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
      child.kill('SIGTERM');
      await once(child, 'exit');
      clearTimeout(timer);
    },
  };
}

function settings(uiPort) {
  return {
    uiHost: '127.0.0.1',
    uiPort,
    flowFile: 'flows.json',
    credentialSecret: false,
    diagnostics: { enabled: false },
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false, projects: { enabled: false } },
    logging: { console: { level: 'warn', metrics: false, audit: false } },
  };
}

/** @returns the port itself when it is free, else another one; 0 stands for any */
export async function freePort(wanted) {
  if (wanted === 0 || !(await isFree(wanted))) {
    return require('../../dist/src/system/free-port.js').freePort();
  }
  return wanted;
}

async function isFree(port) {
  const server = createServer();
  const listening = await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (listening) await new Promise((resolve) => server.close(resolve));
  return listening;
}
