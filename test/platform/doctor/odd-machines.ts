import type { Machine } from '../../../src/platform/machine';
import { findRuntimeLibraries } from '../../../src/platform/runtime-library';
import { type RecordedMachine, recordedFiles, recordedMachine, recordedMachines } from '../recorded-machine';

const gibibyte = 1024 ** 3;
const card = { path: '/dev/dri/card1', mode: '0660', gid: 44, group: 'video' };
const renderNode = { path: '/dev/dri/renderD129', mode: '0660', gid: 109 };
const heap = { path: '/dev/dma_heap/system', mode: '0600', gid: 0, refused: 'EACCES' };
const noRender = { nodes: [], missing: [] };
const containers = ['home-assistant-app', 'docker', 'podman', 'kubernetes', 'lxc', 'other'] as const;
const library = { path: '/usr/lib/librknnrt.so' };
const memory = { totalBytes: 8 * gibibyte, availableBytes: 4 * gibibyte };

/** Every machine that is recorded, and machines that have what none of these has: each outcome of each check. */
export function* oddMachines(): Iterable<Machine> {
  for (const name of recordedMachines) yield recordedMachine(name);
  const vendor = recordedMachine('rk3588-vendor');
  for (const change of [...system, ...npu, ...runtimes, ...bundles, ...packages, ...room, ...speed]) {
    yield { ...vendor, ...change };
    yield { ...recordedMachine('x86'), ...change };
  }
  yield* deviceFindings(vendor);
  const asked = { ...facts('x86'), environment: { SMOLVLM_CONVERT_PYTHON: '/usr/bin/python3.13' } };
  yield { ...recordedMachine('x86'), python: undefined, ffmpeg: undefined };
  yield { ...recordedMachine('x86'), python: undefined, process: asked };
}

function facts(name: RecordedMachine): Machine['process'] {
  return recordedMachine(name).process;
}

function process(changed: Partial<Machine['process']>): Partial<Machine> {
  return { process: { ...facts('rk3588-vendor'), ...changed } };
}

const hidden = { soc: { id: 'rk3588', source: 'npu-device' as const } };
const system: readonly Partial<Machine>[] = [
  { soc: { id: 'rk3566', source: 'device-tree' }, npu: 'other-chip' },
  { ...hidden, container: undefined },
  { ...hidden, container: 'docker' },
  { ...hidden, driver: { kind: 'rocket', places: [], hardware: true } },
  { kernel: undefined, ...process({ platform: 'darwin' }) },
  ...containers.map((container) => ({ container })),
  { container: 'home-assistant-app', devices: { nodes: [], missing: [], render: noRender } },
  { libc: { kind: 'musl' } },
  { libc: { kind: 'unknown' } },
  { libc: { kind: 'glibc' } },
  { libc: { kind: 'glibc', version: '2.27' } },
  process({ nodeVersion: '18.20.4' }),
  process({ arch: 'arm' }),
];

function driver(...versions: readonly string[]): Partial<Machine> {
  const places = versions.map((version, index) => ({ path: `/sys/${index}/version`, version }));
  const [version] = versions;
  return { driver: { kind: 'vendor', places, hardware: true, ...(version && { version }) } };
}

function users(found: Partial<Machine['npuUsers']>, uid = 1000): Partial<Machine> {
  return { npuUsers: { users: [], hidden: 0, ...found }, ...process({ uid }) };
}

const holder = { host: 'hub', pid: 812, started: '1', token: 't', command: 'node', since: '2026-03-01' };
const other = { pid: 7, command: 'python3 <app>.py' };
const npu: readonly Partial<Machine>[] = [
  { driver: { kind: 'vendor', assumed: true, places: [], hardware: true } },
  ...(['rocket', 'none'] as const).map((kind) => ({ driver: { kind, places: [], hardware: true } })),
  { driver: { kind: 'none', places: [], hardware: true }, container: 'home-assistant-app' },
  { driver: { kind: 'none', places: [], hardware: true }, kernel: '6.6.1-talos' },
  { ...driver(), ...process({ uid: 0 }) },
  { ...driver(), ...process({ uid: 1000 }) },
  driver('0.9.8', '0.9.6'),
  ...['0.9.8', '0.9.3', '0.9.2', '0.7.2', '0.8.2'].map((version) => driver(version)),
  users({}),
  { ...users({}), container: 'docker' },
  users({ holder, hidden: 3 }),
  users({ hidden: 3 }),
  users({ othersInvisible: true }),
  users({ holder, othersInvisible: true }),
  users({ holder, users: [other, { ...other, likely: true }] }),
  users({ users: [{ ...other, program: 'frigate' }] }),
  users({ users: [{ ...other, program: 'rkllm' }] }),
];

/** Each refusal of a device, in each container and on the machine itself, for a user and for root. */
function* deviceFindings(machine: Machine): Iterable<Machine> {
  const found: Machine['devices'][] = [
    { nodes: [card], missing: [], render: noRender, misleadingLink: '/dev/dri/card1' },
    { nodes: [card], missing: [], render: noRender, unlinked: true },
    { nodes: [], missing: [], render: noRender },
    { nodes: [], missing: ['/dev/rknpu'], render: noRender },
    { nodes: [], missing: ['/dev/dri/card1'], render: noRender, privateFolder: true },
    { nodes: [], missing: ['/dev/dri/card1'], render: { nodes: [renderNode], missing: [] } },
    { nodes: [], missing: [], render: { nodes: [renderNode], missing: [] } },
    { nodes: [], missing: [], render: { nodes: [{ ...renderNode, refused: 'EACCES' }], missing: [] } },
    { nodes: [{ ...card, path: '/dev/rknpu' }], missing: [], render: noRender, heaps: [heap] },
  ];
  const nodes = [card, { ...card, mode: '0666' }, { ...card, mode: '0600' }, { ...card, gid: 65534 }];
  const refusals = ['EPERM', 'EACCES', 'ENXIO', 'EMFILE', 'ENFILE'];
  const closed = nodes.flatMap((node) => refusals.map((refused) => ({ ...node, refused })));
  const { group: _, ...nameless } = card;
  for (const node of [...closed, { ...nameless, refused: 'EACCES' }])
    found.push({ nodes: [node], missing: [], render: { nodes: [renderNode], missing: [] } });
  for (const container of [undefined, ...containers])
    for (const uid of [0, 1000])
      for (const environment of [{}, { SNAP_NAME: 'node-red' }]) {
        const changed = { ...machine, container, ...process({ uid, environment }) };
        for (const devices of found) yield { ...changed, devices };
      }
}

const unreadable = { ...library, fault: 'EIO' };
const rkllm = { path: '/usr/lib/librkllmrt.so', version: '1.2.3' };
const runtimes: readonly Partial<Machine>[] = [
  { rknn: [] },
  { rknn: [unreadable] },
  ...['/nowhere', '/etc/group', '/sys/kernel/debug'].map((path) => ({
    rknn: findRuntimeLibraries(recordedFiles('rk3588-vendor'), 'rknn', path),
  })),
  { rknn: [library] },
  { rknn: [{ ...library, version: '2.3.2' }] },
  { rknn: [{ ...library, version: '1.5.2' }] },
  { rknn: [{ ...library, version: '2.3.2' }, unreadable, library] },
  { rkllm: [] },
  { rkllm: [rkllm] },
  { rkllm: [rkllm], ...driver('0.9.6') },
  { rknn: [], rkllm: [rkllm], driver: { kind: 'rocket', places: [], hardware: true } },
  { rknn: [library], driver: { kind: 'rocket', places: [], hardware: true } },
  { bundles: [], rknn: [{ ...library, version: '2.5.0' }] },
  { bundles: [], rknn: [{ ...library, version: '1.6.0' }] },
];

const bundle = {
  path: '/b',
  model: 'm',
  target: 'rk3588',
  toolkitVersion: '2.5.0',
  hasCpuStages: false,
} as const;
const damaged = { code: 'bundle-manifest-invalid', message: '/c is broken' };
const bundles: readonly Partial<Machine>[] = [
  { bundles: [{ checkpoint: 'org/m' }] },
  { bundles: [{ ...bundle, target: 'cpu' }] },
  { bundles: [{ ...bundle, target: 'rk3576' }] },
  { bundles: [{ ...bundle, target: 'rk3576', hasCpuStages: true }] },
  ...['2.3.0', '2.3.2', '2.5.0'].map((toolkitVersion) => ({
    bundles: [{ ...bundle, toolkitVersion }],
    rknn: [{ ...library, version: '2.3.2' }],
  })),
  { bundles: [{ path: '/b', model: 'm', target: 'rk3588', hasCpuStages: false }] },
  { bundles: [{ model: '/c', fault: damaged }] },
  {
    bundles: [
      { ...bundle, target: 'cpu' },
      { model: '/c', fault: { ...damaged, hint: 'Copy it again.' } },
    ],
  },
];

const note =
  'onnxruntime computes DynamicQuantizeMatMul (error 75 %), MatMul (no result) wrongly on this CPU;';
const { packages: installed } = facts('rk3588-vendor');
const recorded = { ...installed, 'onnxruntime-node': '1.30.0' };
const packages: readonly Partial<Machine>[] = [
  process({ packages: {}, missingPackages: [] }),
  process({ packages: {} }),
  { ...process({ packages: {}, missingPackages: [] }), libc: { kind: 'musl' } },
  ...[
    { kernels: 'all', float32Kernels: 'all' },
    ...[
      'the kernels of KleidiAI are not used',
      'operators are not fused',
      'the model is computed in float32',
    ].map((instead) => ({ kernels: 'unfused', float32Kernels: 'all', note: `${note} ${instead}` })),
    { float32Kernels: 'all', note: `${note} the model is computed in float32` },
    { kernels: 'unfused', float32Kernels: 'all' },
    {},
    { note: `${note} the model is computed in float32` },
    { crash: 'SIGILL' },
    { crash: 'status 1' },
    { crash: 'no result after a minute' },
    { failure: 'onnxruntime-node' },
  ].map((cpuProducts) => ({ cpuProducts, ...process({ packages: recorded }) })),
];

const room: readonly Partial<Machine>[] = [
  { memory: undefined, openFiles: undefined },
  { memory },
  { memory: { ...memory, limitBytes: gibibyte } },
  { memory: { ...memory, availableBytes: 0.3 * gibibyte }, openFiles: Number.POSITIVE_INFINITY },
  { memory: { ...memory, cmaTotalBytes: gibibyte, cmaFreeBytes: gibibyte }, iommu: false, openFiles: 4096 },
  { memory, iommu: false, openFiles: 256 },
  { iommu: true },
  { iommu: undefined },
];

const clock = { currentHz: 3e8, limitHz: 1e9, topHz: 1e9, governor: 'ondemand' };
const noClocks = { npu: undefined, memory: undefined, cpu: [] };
const speed: readonly Partial<Machine>[] = [
  { clocks: noClocks, temperature: undefined },
  { clocks: { npu: { ...clock, governor: 'powersave' }, memory: { ...clock, limitHz: 6e8 }, cpu: [clock] } },
  {
    clocks: { ...noClocks, cpu: [clock, { ...clock, currentHz: 8e8 }, { currentHz: 2e9 }, { limitHz: 1e9 }] },
  },
  {
    clocks: {
      ...noClocks,
      cpu: [
        { ...clock, limitHz: 6e8 },
        { ...clock, governor: 'powersave' },
      ],
    },
  },
  { temperature: { sensor: 'soc-thermal', celsius: 44 } },
  { temperature: { sensor: 'soc-thermal', celsius: 90, throttlesAtCelsius: 85 } },
];
