import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { printAnswers } from './answers.mjs';
import { frameFile, rightFrames } from './frames.mjs';

/** Between two frames of a camera. */
const frameMs = 5_000;
/** Between a picture with all questions and a request over MQTT. */
const questionMs = 7_000;

/**
 * Everything that happens in the demo's home: cameras send pictures, somebody asks about them, and a bundle is made.
 * @param options.url of Node-RED
 * @param options.bundle folder for the bundle
 * @returns `failed`, which rejects when it cannot go on, and `stop`
 */
export function simulateHome({ broker, url, bundle, say }) {
  const stop = new AbortController();
  const { signal } = stop;
  const firstCaption = printAnswers(broker, say);
  const send = ({ file }, topic) => broker.publish(topic, readFileSync(frameFile(file)));

  const camera = async (name, index) => {
    const own = rightFrames.filter((frame) => frame.camera === name);
    await delay(index * 1_000, undefined, { signal });
    for (let turn = 0; ; turn++) {
      await send(own[turn % own.length], `cameras/${name}/frame`);
      await delay(frameMs, undefined, { signal });
    }
  };
  /** Every kind of answer about one picture, then the same picture on request. */
  const questions = async () => {
    await firstCaption;
    for (let turn = 0; ; turn++) {
      const frame = rightFrames[turn % rightFrames.length];
      await send(frame, `questions/${frame.camera}/frame`);
      await delay(questionMs, undefined, { signal });
      await send(frame, `smolvlm/${frame.camera}/describe`);
      await delay(questionMs, undefined, { signal });
    }
  };
  /** Presses the flow's button, with another folder. */
  const convert = async () => {
    await firstCaption;
    const response = await fetch(`${url}inject/smolvlm-ex-make`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ __user_inject_props__: [{ p: 'out', v: bundle, vt: 'str' }] }),
      signal,
    });
    if (!response.ok) throw new Error(`expected the conversion to start, received ${response.status}`);
  };

  const names = [...new Set(rightFrames.map(({ camera: name }) => name))];
  const running = [...names.map(camera), questions(), convert()];
  const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  const failed = Promise.all(running.map((each) => Promise.race([each, stopped]))).then(() => stopped);
  failed.catch(() => {});
  return {
    failed,
    async stop() {
      stop.abort();
      await Promise.allSettled(running.map((each) => Promise.race([each, stopped])));
    },
  };
}
