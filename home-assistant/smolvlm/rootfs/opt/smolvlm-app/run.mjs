// Starts the engine with the app's options. Usage: run.mjs [DATA-FOLDER RUNTIME-FOLDER ENGINE-PORT PAGE-PORT]
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIngress } from './ingress.mjs';
import { isHubModel, mqttBroker, mqttConfig, serveArguments } from './serve-arguments.mjs';

const [dataDir = '/data', runtimeDir = '/run/smolvlm', port = 8372, pagePort = 8099] = process.argv.slice(2);
const options = JSON.parse(readFileSync(join(dataDir, 'options.json'), 'utf8'));
mkdirSync(runtimeDir, { recursive: true, mode: 0o700 });

const files = {
  token: join(dataDir, 'token'),
  socket: join(runtimeDir, 'engine.sock'),
  password: join(runtimeDir, 'mqtt-password'),
  mqttConfig: join(runtimeDir, 'mqtt.json'),
};
/** The vendor's library, where the user put it. */
const npuLibrary = '/share/smolvlm/librknnrt.so';
const environment = {
  ...process.env,
  SMOLVLM_CACHE: join(dataDir, 'models'),
  SMOLVLM_RUNTIME_DIR: runtimeDir,
  ...(options.hf_token && { HF_TOKEN: options.hf_token }),
  ...(existsSync(npuLibrary) && { SMOLVLM_RKNN_LIBRARY: npuLibrary }),
};

let child;
let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    stopping = true;
    child?.kill(signal);
  });
}

writeToken();
const broker = mqttBroker(
  options,
  options.mqtt && !options.mqtt_broker ? await supervisorService() : undefined,
);
if (broker) writePrivate(files.mqttConfig, JSON.stringify(mqttConfig(options)));
if (broker?.password) writePrivate(files.password, broker.password);

const ingress = createIngress(files.socket);
ingress
  .listen(Number(pagePort), '0.0.0.0')
  .on('error', (error) => say(`the status page cannot be served: ${error.message}`));

if (isHubModel(options.model)) {
  const status = await smolvlm(['pull', options.model]);
  // Without a connection, a model that was downloaded before is used.
  if (status !== 0 && !stopping)
    say(`${options.model} could not be downloaded; the engine starts all the same`);
}
const status = stopping ? 0 : await smolvlm(serveArguments(options, { ...files, port }, broker));
ingress.close();
ingress.closeAllConnections();
process.exitCode = status;

/** The token of the options; else one that is made at the first start. */
function writeToken() {
  if (options.token) return writePrivate(files.token, `${options.token}\n`);
  if (existsSync(files.token)) return;
  const token = randomBytes(24).toString('hex');
  writePrivate(files.token, `${token}\n`);
  say(`the token for other programs, shown this once: ${token}`);
  say('set the option "token" to choose another one');
}

/** @returns the MQTT broker that Home Assistant offers to apps, or undefined */
async function supervisorService() {
  const token = process.env.SUPERVISOR_TOKEN;
  if (!token) return undefined;
  const response = await fetch('http://supervisor/services/mqtt', {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  return response.ok ? (await response.json()).data : undefined;
}

/** @returns exit status */
function smolvlm(args) {
  return new Promise((resolve) => {
    child = spawn('smolvlm', args, { env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      say(error.message);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? (stopping && signal ? 0 : 1)));
  });
}

function writePrivate(path, text) {
  writeFileSync(path, text, { mode: 0o600 });
}

function say(words) {
  process.stderr.write(`smolvlm app: ${words}\n`);
}
