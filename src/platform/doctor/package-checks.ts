import type { Machine } from '../machine';
import { type OptionalPackage, optionalPackages } from '../recording/process-facts';
import { bad, type Check, type Finding, hasVendorNpu, info, ok, warn } from './finding';

/** The optional packages of this package: npm leaves one out without a message when it cannot install it. */
export const packageChecks: readonly Check[] = [
  {
    id: 'onnxruntime',
    title: 'onnxruntime-node',
    judge: judgeOnnxruntime,
    stops: ['captionOnCpu', 'captionOnNpu'],
  },
  {
    id: 'protobufjs',
    title: 'protobufjs',
    judge: judgeProtobufjs,
    stops: ['captionOnCpu', 'captionOnNpu'],
  },
  {
    id: 'cpu-products',
    title: 'CPU arithmetic',
    applies: ({ process, cpuProducts }) =>
      process.packages['onnxruntime-node'] !== undefined && cpuProducts !== undefined,
    judge: judgeCpuProducts,
    stops: ['captionOnCpu', 'captionOnNpu'],
  },
  { id: 'koffi', title: 'koffi', judge: judgeKoffi, stops: ['captionOnNpu'] },
  { id: 'optional-packages', title: 'Optional packages', judge: judgeOthers },
];

/** Older recordings say nothing about a package that they do not list, except onnxruntime-node and koffi. */
const notRecorded = 'not recorded';

/** Those with separate checks. */
const checkedAlone: readonly string[] = [
  'onnxruntime-node',
  'protobufjs',
  'koffi',
] satisfies OptionalPackage[];

function judgeOnnxruntime({ process, libc }: Machine): Finding {
  const version = process.packages['onnxruntime-node'];
  if (version !== undefined) return ok(version);
  if (libc.kind === 'musl') return info('not installed; not available for musl');
  return bad(
    'not installed',
    'Install it next to this package: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node. npm leaves it out with --omit=optional, or if its install script cannot download CUDA libraries, which are not needed.',
  );
}

function judgeCpuProducts({ cpuProducts = {} }: Machine): Finding {
  const { kernels, float32Kernels, note, failure, crash } = cpuProducts;
  const elsewhere = 'or run the engine on another machine and give its address';
  if (crash !== undefined) {
    return bad(
      `a process that multiplied with onnxruntime ended: ${crash}`,
      `It may not support this CPU, or /proc/cpuinfo may describe another one (emulators): install another onnxruntime-node, ${elsewhere}.`,
    );
  }
  if (failure !== undefined) return bad(failure, `Install onnxruntime-node again, ${elsewhere}.`);
  if (kernels === 'all') return ok('float32, int8 and int4 products are correct');
  if (float32Kernels === undefined)
    return bad(note ?? 'wrong', `Install another onnxruntime-node, ${elsewhere}.`);
  const advice =
    kernels === undefined
      ? 'Use checkpoints, which are then computed in float32; bundles in int8 or int4 are refused. Or install a newer onnxruntime-node.'
      : 'Answers are correct but may take longer. A newer onnxruntime-node may be faster.';
  return warn(note ?? `correct with ${kernels}`, advice);
}

function judgeKoffi(machine: Machine): Finding {
  const version = machine.process.packages.koffi;
  if (version !== undefined) return ok(version);
  if (!hasVendorNpu(machine)) return info('not installed; only the NPU needs it');
  return bad(
    'not installed',
    'Install it next to this package: npm install koffi. The NPU’s runtimes are called through it.',
  );
}

function judgeProtobufjs({ process, libc }: Machine): Finding {
  const version = process.packages.protobufjs;
  if (version !== undefined) return ok(version);
  if (process.missingPackages === undefined) return info(notRecorded);
  if (libc.kind === 'musl') return info('not installed; without onnxruntime-node nothing needs it');
  return bad('not installed', 'Install it next to this package: npm install protobufjs.');
}

function judgeOthers({ process }: Machine): Finding {
  const others = Object.entries(optionalPackages).filter(([name]) => !checkedAlone.includes(name));
  const missing = others.filter(([name]) => process.packages[name] === undefined);
  if (missing.length > 0 && process.missingPackages === undefined) return info(notRecorded);
  if (missing.length === 0) return ok(`all ${others.length} installed`);
  const named = missing.map(([name, use]) => `${name} (${use})`).join(', ');
  const names = missing.map(([name]) => name).join(' ');
  return warn(
    `not installed: ${named}`,
    `If you use that, install it next to this package: npm install ${names}.`,
  );
}
