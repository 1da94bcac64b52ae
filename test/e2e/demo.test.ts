import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { demoFrame, repositoryRoot } from '../fixtures';

interface Expected {
  readonly frame: string;
  readonly prompt: string;
  readonly text: string;
}

/** What a shipped frame was drawn from. */
interface Drawn {
  readonly file: string;
  readonly caption: string;
  readonly facts: {
    readonly place: string;
    readonly light: string;
    readonly objects: readonly { readonly class: string }[];
  };
}

const script = join(repositoryRoot, 'scripts', 'demo', 'demo.mjs');
const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('smolvlm-demo-'));
const expected: Expected[] = JSON.parse(readFileSync(demoFrame('expected.json'), 'utf8'));
const described = expected.filter(({ prompt }) => prompt === 'Describe this image.');

describe('npm run demo', function () {
  this.timeout(240_000);

  it('with --once describes every shipped frame through Node-RED and MQTT, and leaves nothing behind', async () => {
    const before = leftovers();
    const child = spawn(process.execPath, [script, '--once'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    assert.equal(code, 0, stderr);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ frame, prompt, text: caption }) => ({ frame, prompt, text: caption })),
      described.map(({ frame, prompt, text: caption }) => ({ frame, prompt, text: caption })),
    );
    assert.ok(lines.every(({ camera, timings_ms }) => camera !== '' && timings_ms.total > 0));
    assert.deepEqual(leftovers(), before);
  });

  describe('with --open', () => {
    const others = leftovers();
    let folder: string;
    let child: ChildProcess;
    let said = '';
    let client: MqttClient;

    /** Waits for a line. @returns its groups */
    async function saying(wanted: RegExp, from = 0): Promise<readonly string[]> {
      for (;;) {
        const found = wanted.exec(said.slice(from));
        if (found) return found.slice(1);
        assert.equal(child.exitCode, null, said);
        await delay(50);
      }
    }

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'smolvlm-test-browser-'));
      const browser = join(folder, 'xdg-open');
      writeFileSync(browser, `#!/bin/sh\necho "$1" >> '${join(folder, 'opened')}'\n`);
      chmodSync(browser, 0o755);
      child = spawn(process.execPath, [script, '--open'], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
      });
      child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
      });
      const [port] = await saying(/MQTT broker: +mqtt:\/\/127\.0\.0\.1:(\d+)/);
      client = await connectAsync(`mqtt://127.0.0.1:${port}`);
    });
    after(async () => {
      await client?.endAsync();
      child?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });

    it('opens the editor and the captions page, which shows the captions as they come', async () => {
      const [editor = ''] = await saying(/Node-RED's editor: +(http:\S+)/);
      const [page = ''] = await saying(/The captions page: +(http:\S+)/);
      await saying(/driveway +A /);
      assert.deepEqual(readFileSync(join(folder, 'opened'), 'utf8').trim().split('\n').sort(), [
        editor,
        page,
      ]);
      assert.match(await (await fetch(page)).text(), /<html/);
      const [{ id }] = await (await fetch(`${page}timelines`)).json();
      for (let entries: { text: string }[] = []; entries.length === 0; await delay(50)) {
        ({ entries } = await (await fetch(`${page}timelines/${id}/entries?text=driveway`)).json());
        assert.equal(child.exitCode, null, said);
      }
    });

    it('makes and validates a bundle, and describes pictures on request', async () => {
      await saying(/demo +a bundle for the CPU, 24 stages, valid: cosine 0\.99/);
      await saying(/driveway +on request: A black cat sits/);
    });

    it('answers every kind of question truly about each frame that it shows', async () => {
      const drawn: Drawn[] = JSON.parse(readFileSync(demoFrame('frames.json'), 'utf8'));
      const right = drawn.filter(({ file, caption }) =>
        described.some((each) => each.frame === file && each.text === caption),
      );
      assert.equal(right.length, drawn.length - 1);
      const answers: Record<string, unknown>[] = [];
      client.on('message', (topic, payload) => {
        if (topic === 'questions/test/answer') answers.push(JSON.parse(String(payload)));
      });
      await client.subscribeAsync('questions/test/answer', { qos: 1 });
      let shown = 'nothing';
      for (const { file, caption, facts } of right) {
        answers.length = 0;
        await client.publishAsync('questions/test/frame', readFileSync(demoFrame(file)), { qos: 1 });
        while (answers.length < 6) {
          assert.equal(child.exitCode, null, said);
          await delay(20);
        }
        const answerTo = (question: string): unknown =>
          answers.find(({ prompt }) => prompt === question)?.text;
        const people = facts.objects.filter((object) => object.class === 'person').length;
        const light = facts.light === 'day' ? 'It is day.' : 'It is night.';
        const car = facts.objects.some((object) => object.class === 'car');
        const change = answers.find(
          ({ dropped, changed }) => dropped === 'anchor-set' || changed !== undefined,
        );
        assert.deepEqual(
          {
            where: answerTo('Where is this?'),
            person: answerTo('Is there a person? Answer yes or no.'),
            light: answerTo('Is it day or night?'),
            people: answerTo('How many people are there? Answer with a number.'),
            before: change?.before ?? 'nothing',
            now: change?.now ?? caption,
            facts: answers.find(({ json }) => typeof json === 'object')?.json,
          },
          {
            where: `This is a ${facts.place}.`,
            person: people > 0 ? 'yes' : 'no',
            light,
            people: String(people),
            before: shown,
            now: caption,
            facts: { people, car, light, scene: caption },
          },
          file,
        );
        shown = caption;
      }
    });

    it('continues when others publish on its broker, and ends in order at Ctrl-C in the middle of its work', async () => {
      for (const topic of ['smolvlm/availability', 'cameras/porch/caption']) {
        await client.publishAsync(topic, 'online', { qos: 1 });
      }
      await saying(/ +A .*\n.* +A /, said.length);
      const exited = once(child, 'exit');
      child.kill('SIGINT');
      await exited;
      assert.match(said, /Stopping/);
      assert.doesNotMatch(said, /demo: /);
      assert.deepEqual(leftovers(), others);
    });
  });
});
