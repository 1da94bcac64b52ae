import { createHash } from 'node:crypto';

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td:last-child { overflow-wrap: anywhere; }
@media (max-width: 480px) { :root { font-size: 13px; } table { font-size: 11.5px; } th, td { padding-right: .25rem; } }
.error { color: #b3261e; color: light-dark(#b3261e, #ffb4ab); }`;

const script = `
const cell = (text, name) => Object.assign(document.createElement(name || 'td'), { textContent: text });
const megabytes = (bytes) => Math.round(bytes / 1048576) + ' MB';
const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);
function fill(id, rows, none) {
  const body = document.querySelector('#' + id + ' tbody');
  body.replaceChildren(...(rows.length > 0 ? rows : [[none]]).map((cells) => {
    const row = document.createElement('tr');
    row.append(...cells.map((text) => cell(text)));
    if (rows.length === 0) row.cells[0].colSpan = document.querySelectorAll('#' + id + ' th').length;
    return row;
  }));
}
function show(status) {
  const minutes = Math.floor(status.uptimeMs / 60000);
  const load = status.coreLoad.map((share) => Math.round(share * 100) + ' %').join(', ');
  document.querySelector('#state').textContent = status.state + ', version ' + status.version + ', running for '
    + minutes + ' min, ' + megabytes(status.memory.rssBytes) + (load && ', NPU cores ' + load);
  document.querySelector('#state').className = '';
  fill('models', status.models.map((model) => [model.model, model.backend, megabytes(model.memoryBytes),
    model.fallback ? model.fallback.message : '']), 'No model is loaded. The first picture loads it.');
  fill('cameras', Object.entries(status.cameras).map(([name, camera]) =>
    [name, camera.waiting, camera.running, camera.done, camera.failed, total(camera.dropped)]), 'No picture yet.');
  fill('errors', status.lastErrors.slice().reverse().map(({ at, camera, error }) =>
    [new Date(at).toLocaleString(), camera, error.code + ': ' + error.message]), 'None.');
}
async function update() {
  try {
    const response = await fetch('v1/status', { cache: 'no-store' });
    if (!response.ok) throw new Error('the engine answers with ' + response.status);
    show(await response.json());
  } catch (error) {
    document.querySelector('#state').textContent = error.message;
    document.querySelector('#state').className = 'error';
  }
  setTimeout(update, 5000);
}
void update();`;

const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>SmolVLM engine</title>
<style>${style}</style>
<h1>SmolVLM engine</h1>
<p id="state">…</p>
<h2>Models</h2>
<table id="models"><thead><tr><th>Model<th>Runs on<th>Memory<th>Note</thead><tbody></tbody></table>
<h2>Cameras</h2>
<table id="cameras"><thead><tr><th>Camera<th>Waiting<th>Running<th>Described<th>Failed<th>Dropped</thead><tbody></tbody></table>
<h2>Last errors</h2>
<table id="errors"><thead><tr><th>Time<th>Camera<th>Error</thead><tbody></tbody></table>
<script>${script}</script>
</html>
`;

const source = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * Page that shows what `GET /v1/status` says. Its only address is relative, so it also works below another path, such as
 * Home Assistant's ingress. The page itself contains no data.
 */
export const statusPage = {
  html,
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': [
      "default-src 'none'",
      `script-src ${source(script)}`,
      `style-src ${source(style)}`,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'self'",
    ].join('; '),
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  },
} as const;
