// The rooms of src/ and what each may import: written into biome.rooms.json by `node scripts/import-rules.mjs`, read by the
// tests. Every room may also import src/system, src/errors and src/package-version, which import no other room.
import { writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Rooms that a room and all its sub-rooms may import. */
export const rooms = {
  system: [],
  protocol: [],
  failures: [],
  discovery: ['protocol'],
  template: [],
  picture: [],
  model: ['protocol'],
  frame: ['picture'],
  image: ['picture'],
  timeline: ['failures', 'protocol'],
  client: ['picture', 'protocol'],
  mqtt: ['client', 'picture', 'protocol'],
  nats: ['client', 'mqtt', 'picture', 'protocol'],
  'node-red': [
    'client',
    'discovery',
    'failures',
    'frame',
    'mqtt',
    'nats',
    'picture',
    'protocol',
    'template',
    'timeline',
  ],
  editor: ['failures', 'node-red', 'protocol'],
  platform: ['model', 'protocol'],
  backends: ['model', 'platform', 'protocol'],
  prompt: ['model'],
  onnx: ['model'],
  vision: ['backends', 'model'],
  text: ['backends', 'model', 'protocol'],
  convert: ['backends', 'image', 'model', 'onnx', 'prompt', 'protocol', 'text', 'vision'],
  inference: [
    'backends',
    'convert',
    'image',
    'model',
    'onnx',
    'picture',
    'platform',
    'prompt',
    'protocol',
    'text',
    'vision',
  ],
  engine: ['inference', 'protocol'],
  server: ['engine', 'model', 'picture', 'platform', 'protocol', 'timeline'],
  cli: [
    'backends',
    'client',
    'convert',
    'discovery',
    'engine',
    'frame',
    'image',
    'inference',
    'model',
    'mqtt',
    'nats',
    'onnx',
    'picture',
    'platform',
    'prompt',
    'protocol',
    'server',
    'template',
    'text',
    'timeline',
    'vision',
  ],
};

/** Sub-rooms: what else each may import from its own room. `.` is the room's own files; a `.` entry is for those. */
export const subRooms = {
  system: { '.': [], async: [], files: ['.'], json: [], lock: ['.', 'files', 'json'] },
  failures: { '.': [], locales: [] },
  protocol: {
    '.': ['models', 'schema'],
    findings: ['.', 'findings/locales'],
    'findings/locales': [],
    models: [],
    schema: [],
  },
  picture: { '.': ['camera'], camera: ['.'] },
  client: { '.': [], children: [], models: ['.', 'children'] },
  image: { '.': ['jpeg', 'resize'], jpeg: [], resize: ['.'], pool: ['.'] },
  model: {
    '.': [],
    safetensors: [],
    checkpoint: ['.', 'safetensors'],
    bundle: ['.', 'safetensors'],
    hub: ['.', 'bundle', 'checkpoint'],
  },
  platform: {
    '.': ['npu', 'recording'],
    recording: [],
    npu: ['recording'],
    doctor: ['.', 'npu', 'recording'],
  },
  backends: { '.': [], onnxruntime: ['.'], rkllm: ['.'], rknn: ['.'] },
  onnx: { '.': [], patterns: ['.'], vision: ['.', 'patterns'], decoder: ['.'] },
  text: { '.': ['constraint'], constraint: [] },
  convert: {
    bundle: [],
    toolkit: ['bundle'],
    npu: ['bundle', 'toolkit'],
    validate: ['bundle', 'npu', 'toolkit'],
    deliver: ['bundle'],
  },
  inference: { '.': ['cpu', 'npu', 'vision'], cpu: [], npu: ['.', 'cpu'], vision: ['.', 'npu'] },
  frame: { '.': ['ffmpeg'], ffmpeg: [] },
  nats: { '.': [], client: ['.'], hub: ['.'] },
  timeline: {
    '.': [],
    sqlite: ['.'],
    http: ['.'],
    page: ['http', 'page/client', 'page/entries', 'page/parts'],
    'page/client': ['http'],
    'page/parts': ['page/locales'],
    'page/entries': ['http', 'page/client', 'page/parts'],
    'page/locales': [],
  },
  mqtt: {
    '.': ['frigate', 'requests', 'transport'],
    transport: [],
    requests: ['.', 'frigate'],
    frigate: ['.', 'requests', 'transport'],
  },
  server: {
    '.': ['http', 'http/bodies', 'openai', 'routes'],
    http: [],
    'http/bodies': ['http'],
    openai: ['.', 'http', 'http/bodies', 'openai/chat', 'openai/responses'],
    'openai/chat': ['.', 'http', 'openai'],
    'openai/responses': ['.', 'http', 'openai'],
    routes: ['.', 'http', 'http/bodies'],
  },
  'node-red': {
    '.': ['failures'],
    failures: [],
    status: ['.', 'failures'],
    engine: ['.'],
    caption: ['.', 'engine', 'status'],
    vision: ['.', 'engine', 'status'],
    frame: ['.', 'failures', 'status'],
    mqtt: ['.', 'failures'],
    convert: ['.', 'status'],
    timeline: ['.', 'status'],
  },
  editor: { '.': [], engine: ['.'], frame: ['.'], sidebar: ['.'] },
  cli: {
    '.': [
      'bench',
      'bench/board',
      'bench/emulator',
      'bench/hubs',
      'certificate',
      'command',
      'convert',
      'inspect',
      'serve',
      'watch',
    ],
    bench: ['command', 'bench/board', 'bench/emulator', 'bench/hubs'],
    'bench/board': ['.', 'bench', 'command'],
    'bench/emulator': [],
    'bench/hubs': ['command'],
    certificate: [],
    command: [],
    convert: ['command'],
    inspect: ['command'],
    serve: ['command', 'certificate'],
    watch: ['command'],
  },
};

/** Rooms of src/ that each node's folder may import. */
export const nodeRooms = {
  'smolvlm-*': ['client', 'frame', 'node-red', 'picture', 'protocol', 'system', 'template'],
  sidebar: ['client', 'node-red', 'protocol'],
  'smolvlm-timeline': ['client', 'node-red', 'picture', 'protocol', 'system', 'timeline'],
  'smolvlm-mqtt': ['client', 'mqtt', 'node-red', 'protocol', 'system', 'template'],
};

/** Rooms of src/ that the browser's side of a node, NODE.editor.ts, may import. */
export const nodeEditorRooms = ['editor', 'node-red', 'protocol'];

const ground = ['errors', 'package-version'];

/** Folders below src/, each with the folders and files below src/ that its own files may import. */
export function importRules() {
  return Object.entries(rooms).flatMap(([room, others]) =>
    Object.entries(subRooms[room] ?? { '.': [] }).map(([name, siblings]) => {
      const folder = posix.join(room, name);
      const within = siblings.map((sibling) => (sibling === '.' ? `${room}/*` : `${room}/${sibling}/*`));
      const everywhere = room === 'system' ? [] : ['system/**'];
      return {
        folder,
        allowed: [...within, ...others.map((other) => `${other}/**`), ...everywhere, ...ground],
      };
    }),
  );
}

const native = {
  group: ['onnxruntime-node', 'koffi'],
  message: 'Only src/backends loads native inference code.',
};
const nodeRed = {
  group: ['node-red', '@node-red/*'],
  message: 'Only nodes/ and src/node-red/ use the Node-RED runtime.',
};

function override(includes, patterns) {
  const rule = { level: 'error', options: { patterns } };
  return { includes, linter: { rules: { style: { noRestrictedImports: rule } } } };
}

function roomOverride({ folder, allowed }) {
  const from = (to) => {
    const path = posix.relative(folder, to);
    return path.startsWith('.') ? path : `./${path}`;
  };
  const room = folder.split('/')[0];
  const group = ['../**', './*/**', ...allowed.map((to) => `!${from(to)}`)];
  const names = allowed.filter((to) => !ground.includes(to)).map((to) => to.replace(/\/\*+$/, ''));
  return override(
    [`src/${folder}/*.ts`],
    [
      {
        group,
        message: `src/${folder} may import ${names.join(', ') || 'no other room'} (docs/architecture.md, Rooms).`,
      },
      ...(room === 'backends' ? [] : [native]),
      ...(room === 'node-red' ? [] : [nodeRed]),
    ],
  );
}

function nodeOverride([files, allowed]) {
  const group = ['**/src/*/**', `!**/src/{${allowed.join(',')}}/**`];
  const message = `nodes/${files} may import ${allowed.map((room) => `src/${room}`).join(', ')}.`;
  return override([`nodes/${files}`], [{ group, message }, native]);
}

function nodeOverrides() {
  const runtime = Object.entries(nodeRooms).map(([folder, allowed]) => [`${folder}/*.ts`, allowed]);
  return [...runtime, ['*/*.editor.ts', nodeEditorRooms]].map(nodeOverride);
}

export function overrides() {
  return [...importRules().map(roomOverride), ...nodeOverrides()];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(dirname(fileURLToPath(import.meta.url)), '..', 'biome.rooms.json');
  writeFileSync(file, `${JSON.stringify({ overrides: overrides() }, null, 2)}\n`);
}
