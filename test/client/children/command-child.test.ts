import assert from 'node:assert/strict';
import { runCommandChild } from '../../../src/client/children/command-child';

/** A command whose program is this text. */
function program(text: string): { readonly command: readonly [string, ...string[]] } {
  return { command: [process.execPath, '-e', text] };
}

describe('a smolvlm command in its own process', () => {
  const words = 'Ein Mädchen füttert Gänse – 猫がいる 🐈';

  it('keeps characters whole when its output splits them between chunks', async () => {
    const { status, document } = await runCommandChild(
      ['caption'],
      program(`
        const bytes = Buffer.from(JSON.stringify({ text: ${JSON.stringify(words)} }));
        let at = 0;
        const next = () => at < bytes.length && process.stdout.write(bytes.subarray(at, ++at), () => setTimeout(next, 1));
        next();
      `),
    );
    assert.deepEqual([status, document], [0, { text: words }]);
  });

  it('keeps the characters of its last words whole as well', async () => {
    const text = `
      const bytes = Buffer.from(${JSON.stringify(words)});
      let at = 0;
      const next = () => at < bytes.length ? process.stderr.write(bytes.subarray(at, ++at), () => setTimeout(next, 1)) : process.exit(7);
      next();
    `;
    await assert.rejects(runCommandChild(['caption'], program(text)), {
      code: 'command-lost',
      message: 'smolvlm caption ended with 7',
      hint: `Its last output: ${words}`,
    });
  });

  it('passes its progress and its error on', async () => {
    const steps: string[] = [];
    const text = `
      process.send({ progress: { step: 'stages', done: 1, total: 2 } });
      process.send({ error: { code: 'checkpoint-missing', message: 'none', hint: 'pull it' } }, () => process.exit(1));
    `;
    const run = runCommandChild(['convert'], {
      ...program(text),
      onProgress: ({ step }) => steps.push(step),
    });
    await assert.rejects(run, { code: 'checkpoint-missing', message: 'none', hint: 'pull it' });
    assert.deepEqual(steps, ['stages']);
  });

  it('ends with its reason when it is aborted', async () => {
    const abort = new AbortController();
    const run = runCommandChild(['convert'], {
      ...program(`process.send({ progress: { step: 'x', done: 0, total: 1 } }); setInterval(() => {}, 1000)`),
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('the user stops it')),
    });
    await assert.rejects(run, /the user stops it/);
  });

  it('ends although a program that it started keeps its output open', async () => {
    const text = `
      const { spawn } = require('node:child_process');
      const left = spawn('sleep', ['60'], { stdio: 'inherit', detached: true });
      left.unref();
      process.stdout.write(JSON.stringify({ pid: left.pid }), () => process.exit(0));
    `;
    const { document } = await runCommandChild(['convert'], { ...program(text), graceMs: 10 });
    process.kill((document as { readonly pid: number }).pid);
  });
});
