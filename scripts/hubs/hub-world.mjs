// Hubs in their own processes, cameras that send numbered frames through one client, and an observer on another
// connection that counts every answer.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startServers, until, urlOf } from './servers.mjs';

const require = createRequire(import.meta.url);
const { HubProcess } = require('../../dist/src/cli/bench/hubs/hub-process.js');
const { modelledName } = require('../../dist/src/cli/bench/hubs/modelled-schedule.js');
const { NatsEngine } = require('../../dist/src/nats/client/nats-engine.js');
const { openNats } = require('../../dist/src/nats/nats-connection.js');
const { parseNatsAddress } = require('../../dist/src/nats/nats-address.js');

/** How late a hub's message that it has taken a frame may arrive. */
const eventMs = 1_500;
const model = modelledName({ kind: 'fixed', captionMs: 300 });
const ackWaitMs = 2_000;
const deadlineMs = 60_000;
/** Its frames go before those of the others. */
const urgentCamera = 'camera-0';

export class HubWorld {
  folder = mkdtempSync(join(tmpdir(), 'smolvlm-hubs-'));
  servers = [];
  hubs = [];
  counts = { sent: 0, caption: 0, dropped: {}, error: {} };
  /** Frames of each camera, in order: `{id, storedAt, takenAt, end}`. */
  #frames = new Map();
  #byId = new Map();
  /** Places in the stream of each request's captions. */
  #kept = new Map();
  /** Requests with an answer in the stream: a caption, a drop or an error. */
  #answered = new Set();
  #requests = [];
  #observed;
  #closing = [() => rmSync(this.folder, { recursive: true, force: true })];
  #started = 0;

  /** @param options.folder of the servers' stores */
  static async open({ servers = 1, hubs = 3, cameras = 8, frameBytes = 20_000, folder } = {}) {
    const world = new HubWorld();
    world.cameras = Array.from({ length: cameras }, (_, index) => `camera-${index}`);
    world.picture = Buffer.alloc(frameBytes, 7);
    try {
      world.servers = await startServers(folder ?? world.folder, servers);
      world.#closing.push(() => Promise.all(world.servers.map((server) => server.stop('SIGKILL'))));
      world.#closing.push(() => Promise.all(world.hubs.map((hub) => hub?.kill())));
      for (let index = 0; index < hubs; index++) await world.startHub(index);
      await world.#observe();
      world.client = new NatsEngine(parseNatsAddress(urlOf(world.servers)));
      world.#closing.push(() => world.client.close());
      await world.caption('warm-up');
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** What the world closes with itself, before what was opened earlier. */
  onClose(close) {
    this.#closing.push(close);
  }

  /** @param url default: the servers themselves */
  async startHub(index, url = urlOf(this.servers)) {
    const socketPath = join(this.folder, `hub-${this.#started++}.sock`);
    this.hubs[index] = await HubProcess.start({ url, model, ackWaitMs, socketPath });
  }

  async #observe() {
    this.link = await openNats(parseNatsAddress(urlOf(this.servers)), 'observer');
    const { connection, jetstream, manager, subjects } = this.link;
    this.#closing.push(() => connection.close());
    // What the stream keeps is the answer; what a hub sends again, it refuses.
    await manager.consumers.add(subjects.answerStream, {
      durable_name: 'observer',
      ack_policy: 'none',
      filter_subject: subjects.answer('ID').replace('ID', '*'),
    });
    const answers = await jetstream.consumers.get(subjects.answerStream, 'observer');
    const messages = await answers.consume({
      callback: (message) => {
        const final = message.json();
        this.#answered.add(final.id);
        if (final.type !== 'result') return;
        const kept = this.#kept.get(final.id) ?? new Set();
        this.#kept.set(final.id, kept.add(message.seq));
      },
    });
    this.#closing.push(() => messages.close());
    this.#observed = async () => (await answers.info()).num_pending === 0;
    connection.subscribe(subjects.events('ID').replace('ID', '*'), {
      callback: (_error, message) => {
        const { type, id } = JSON.parse(message.string());
        const frame = this.#byId.get(id);
        if (type === 'taken' && frame) frame.takenAt = performance.now();
      },
    });
    await connection.flush();
  }

  /** Sends one frame. @returns its end */
  caption(camera) {
    const frame = { camera, id: `${camera}-${this.counts.sent}` };
    this.counts.sent += 1;
    const frames = this.#frames.get(camera) ?? [];
    this.#frames.set(camera, frames);
    frames.push(frame);
    this.#byId.set(frame.id, frame);
    const onEvent = ({ type }) => {
      if (type === 'queued') frame.storedAt ??= performance.now();
    };
    const request = this.client
      .describe(
        { id: frame.id, camera, prompt: 'x', deadlineMs, priority: camera === urgentCamera ? 1 : 0 },
        [this.picture],
        { onEvent },
      )
      .then((final) => {
        frame.end = final.type === 'result' ? 'caption' : (final.reason ?? final.error.code);
        if (final.type === 'result') this.counts.caption += 1;
        else {
          const counts = this.counts[final.type];
          counts[frame.end] = (counts[frame.end] ?? 0) + 1;
          if (final.type === 'error') process.stderr.write(`${frame.id}: ${final.error.message}\n`);
        }
        return final;
      });
    this.#requests.push(request);
    return request;
  }

  /** Every camera sends a frame after the other until it is stopped. */
  sendAlways(intervalMs = 400) {
    const stopping = new AbortController();
    this.#closing.push(() => stopping.abort());
    const loops = this.cameras.map(async (camera) => {
      while (!stopping.signal.aborted) {
        void this.caption(camera);
        await delay(intervalMs * (0.5 + Math.random()));
      }
    });
    return {
      stop: async () => {
        stopping.abort();
        await Promise.all(loops);
        await Promise.all(this.#requests);
      },
    };
  }

  /** Waits for one more caption. */
  async progress(seconds = 60) {
    const before = this.counts.caption;
    await until(() => this.counts.caption > before, 'caption', seconds);
  }

  /** What is wrong with the ends of all frames so far. @param isNewestLast whether the last frame of each must be described */
  faults({ isNewestLast = true } = {}) {
    const faults = [];
    const { sent, caption, dropped, error } = this.counts;
    const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
    const ends = caption + sum(dropped) + sum(error);
    if (sent !== ends) faults.push(`${sent} frames were sent, ${ends} ended`);
    for (const [id, { size }] of this.#kept) {
      if (size > 1) faults.push(`${size} captions were kept for ${id}`);
    }
    for (const frames of this.#frames.values()) {
      for (const [index, { id, end, takenAt }] of frames.entries()) {
        const next = frames[index + 1];
        if (end === undefined) faults.push(`${id} did not end`);
        if (next === undefined && isNewestLast && end !== 'caption')
          faults.push(`${id}, the last, ended as ${end}`);
        if (takenAt > next?.storedAt + eventMs) faults.push(`${id} was taken after ${next.id} was stored`);
      }
    }
    return faults;
  }

  /**
   * What is wrong with the counters that `smolvlm hubs` shows, once every frame has ended.
   * @param hubsLive whether no hub was killed: counters end with the process @param answersStored whether the server could
   *   always keep an answer
   */
  async counterFaults({ hubsLive = true, answersStored = true } = {}) {
    const faults = [];
    const isEmpty = async () => {
      const { cameras, working } = await this.client.queue();
      return Object.keys(cameras).length === 0 && working === 0;
    };
    // A hub looks once a minute for answered frames that came back.
    const queue = await until(isEmpty, 'empty queue', 120).catch(async () =>
      JSON.stringify(await this.client.queue()),
    );
    if (queue !== true) faults.push(`the queue is not empty: ${queue}`);
    await until(this.#observed, 'observer with all answers');
    const hubs = await until(async () => {
      const found = await this.client.hubs();
      return found.length === this.hubs.length && found;
    }, `answer of ${this.hubs.length} hubs`);
    const counted = hubs.reduce((sum, { answered }) => sum + answered, 0);
    const kept = this.#answered.size;
    this.counts.hubs_answered = counted;
    if (hubsLive && answersStored && counted !== kept)
      faults.push(`hubs count ${counted} answers, ${kept} are kept`);
    if (!hubsLive && counted > kept) faults.push(`hubs count ${counted} answers, only ${kept} are kept`);
    if (hubsLive && counted < this.counts.caption) {
      faults.push(`hubs count ${counted} answers, ${this.counts.caption} captions arrived`);
    }
    const working = hubs.filter((hub) => hub.working > 0).length;
    if (working > 0) faults.push(`${working} hubs report frames in progress`);
    return faults;
  }

  async close() {
    for (const close of this.#closing.reverse()) await close();
  }
}
