const answerKinds = {
  cameras: ['caption', 'held', 'dropped', 'error'],
  questions: ['answer', 'dropped'],
  smolvlm: ['attributes', 'dropped', 'error'],
  bundles: [undefined],
};

/** Prints what the flow publishes, one line each. @returns resolves with the first caption */
export function printAnswers(broker, say) {
  const held = new Set();
  return new Promise((resolve) => {
    broker.onMessage((topic, payload) => {
      const [base, name, kind] = topic.split('/');
      // Users who try the demo add their own flows, which may publish anything.
      const answer = answerKinds[base]?.includes(kind) ? parsed(payload) : undefined;
      if (!answer) return;
      // A camera without changes reports a held frame every few seconds.
      if (kind === 'held' && held.size === held.add(name).size) return;
      say(`${name.padEnd(12)} ${lineOf(base, kind, answer)}`);
      if (base === 'cameras' && kind === 'caption') resolve();
    });
  });
}

function lineOf(base, kind, answer) {
  const { text, reason, message, timingsMs } = answer;
  if (base === 'bundles') return bundleLine(answer);
  const time = timingsMs ? `  (${Math.round(timingsMs.total)} ms)` : '';
  const said = text ?? message ?? reason ?? answer.error?.message;
  if (kind === 'answer') return `${questionOf(answer)} → ${said}${time}`;
  if (kind === 'attributes') return `on request: ${said}${time}`;
  return kind === 'caption' ? `${said}${time}` : `${kind}: ${said}`;
}

/** What was asked, without how to answer. */
function questionOf({ prompt, changed, dropped, json }) {
  if (changed !== undefined || dropped === 'anchor-set') return 'What changed?';
  if (typeof json === 'object') return 'Facts?';
  return String(prompt).replace(/ Answer .*/, '');
}

function bundleLine({ pass, end_to_end_cosine: cosine, stages }) {
  return `a bundle for the CPU, ${stages.length} stages, ${pass ? 'valid' : 'not valid'}: cosine ${cosine}`;
}

/** @returns undefined for anything but a JSON object */
function parsed(payload) {
  try {
    const value = JSON.parse(String(payload));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
