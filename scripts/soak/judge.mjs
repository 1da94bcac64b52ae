/**
 * What is wrong with a soak run.
 * @param run.sent frames by camera
 * @param run.received what came out of Node-RED, by camera: `{caption, dropped: {reason: count}, error}`
 * @param run.samples `{cameras: {name: {waiting, running}}, rss: {process: bytes}}`, in order
 * @param run.last the engine's counters by camera once all was answered
 * @param bounds.capacity frames a camera may have waiting
 * @param bounds.growthBytes that a process may grow between the second quarter of the run and the last
 * @returns sentences; none when all is well
 */
export function judge({ sent, received, samples, last }, { capacity, growthBytes }) {
  return [
    ...queueFaults(samples, capacity),
    ...countFaults(sent, received, last),
    ...growthFaults(samples, growthBytes),
  ];
}

/** @returns bytes each process grew from the second quarter's median to the last quarter's */
export function growth(samples) {
  const quarter = (index) => samples.slice((index * samples.length) / 4, ((index + 1) * samples.length) / 4);
  return Object.fromEntries(
    Object.keys(samples[0]?.rss ?? {}).map((name) => {
      const of = (part) => median(part.map(({ rss }) => rss[name]));
      return [name, of(quarter(3)) - of(quarter(1))];
    }),
  );
}

function queueFaults(samples, capacity) {
  const most = {};
  for (const { cameras } of samples) {
    for (const [name, { waiting }] of Object.entries(cameras))
      most[name] = Math.max(most[name] ?? 0, waiting);
  }
  return Object.entries(most).flatMap(([name, waiting]) =>
    waiting > capacity ? [`${name}: ${waiting} frames were waiting, at most ${capacity} may`] : [],
  );
}

function countFaults(sent, received, last) {
  return Object.entries(sent).flatMap(([name, frames]) => {
    const { done = 0, failed = 0, dropped = {}, waiting = 0, running = 0 } = last[name] ?? {};
    const engine = done + failed + sum(dropped);
    const out = received[name] ?? { caption: 0, dropped: {}, error: 0 };
    const flow = out.caption + out.error + sum(out.dropped);
    return [
      [waiting + running === 0, `${waiting} waiting and ${running} running at the end`],
      [engine === frames, `${frames} frames were sent, the engine counted ${engine}`],
      [flow === frames, `${frames} frames were sent, ${flow} messages came out of Node-RED`],
      [out.caption === done, `the engine described ${done}, ${out.caption} captions came out`],
      [failed === 0 && out.error === 0, `${failed} failed in the engine, ${out.error} in Node-RED`],
      [
        sameCounts(dropped, out.dropped),
        `dropped ${JSON.stringify(dropped)}, told ${JSON.stringify(out.dropped)}`,
      ],
    ].flatMap(([holds, fault]) => (holds ? [] : [`${name}: ${fault}`]));
  });
}

function growthFaults(samples, growthBytes) {
  return Object.entries(growth(samples)).flatMap(([name, bytes]) =>
    bytes > growthBytes ? [`${name} grew by ${mega(bytes)} MB, at most ${mega(growthBytes)} MB is flat`] : [],
  );
}

function sameCounts(one, other) {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((key) => one[key] === other[key]);
}

function sum(counts) {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function mega(bytes) {
  return (bytes / 1e6).toFixed(1);
}
