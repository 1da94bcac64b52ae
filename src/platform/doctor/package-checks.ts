import { englishText, type FindingText, listed, phrase } from '../../protocol/findings/finding-phrase';
import type { Machine } from '../machine';
import type { OptionalPackage } from '../recording/process-facts';
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
const notRecorded = phrase('notRecorded');

/** The packages that are checked together, each with its use. */
const uses: Readonly<
  Record<Exclude<OptionalPackage, 'onnxruntime-node' | 'protobufjs' | 'koffi'>, FindingText>
> = {
  '@nats-io/jetstream': phrase('forHubs'),
  '@nats-io/obj': phrase('forHubs'),
  '@nats-io/transport-node': phrase('forHubs'),
  '@peculiar/x509': 'smolvlm certificate',
  'bonjour-service': phrase('forDiscovery'),
  libsql: phrase('forTimeline'),
  'prom-client': 'GET /metrics',
  'reflect-metadata': 'smolvlm certificate',
  tar: phrase('forArchives'),
  yaml: 'smolvlm watch',
};

function judgeOnnxruntime({ process, libc }: Machine): Finding {
  const version = process.packages['onnxruntime-node'];
  if (version !== undefined) return ok(version);
  if (libc.kind === 'musl') return info(phrase('notForMusl'));
  return bad(phrase('notInstalled'), phrase('installOnnxruntime'));
}

function judgeCpuProducts({ cpuProducts = {} }: Machine): Finding {
  const { kernels, float32Kernels, note, failure, crash } = cpuProducts;
  if (crash !== undefined)
    return bad(phrase('productsCrashed', { crash: crashText(crash) }), phrase('leaveCpu'));
  if (failure !== undefined) return bad(failure, phrase('reinstallOnnxruntime'));
  if (kernels === 'all') return ok(phrase('productsCorrect'));
  const noted = note === undefined ? undefined : noteText(note);
  if (float32Kernels === undefined) return bad(noted ?? phrase('productsWrong'), phrase('otherOnnxruntime'));
  if (kernels === undefined) return warn(noted ?? phrase('inFloat32'), phrase('useCheckpoints'));
  return warn(noted ?? phrase('productsCorrectWith', { kernels }), phrase('correctButSlower'));
}

/** How the process ended: by a signal, with a status, or not at all. */
function crashText(crash: string): FindingText {
  const status = /^status (\d+)$/.exec(crash)?.[1];
  if (status !== undefined) return phrase('crashStatus', { status });
  return crash === englishText(phrase('crashTimeout')) ? phrase('crashTimeout') : crash;
}

/** The sentence of src/inference/cpu/arithmetic.ts in words. */
function noteText(note: string): FindingText {
  const [, faults, instead] = /^onnxruntime computes (.*) wrongly on this CPU; (.*)$/.exec(note) ?? [];
  if (faults === undefined || instead === undefined) return note;
  const known = [phrase('withoutKleidiai'), phrase('withoutFusion'), phrase('inFloat32')];
  return phrase('productsFaulty', {
    products: listed('comma', faults.split(', ').map(productText)),
    instead: known.find((each) => englishText(each) === instead) ?? instead,
  });
}

function productText(fault: string): FindingText {
  const [, product, percent] = /^(\S+) \((?:error (\d+) %|no result)\)$/.exec(fault) ?? [];
  if (product === undefined) return fault;
  return percent === undefined
    ? phrase('productNoResult', { product })
    : phrase('productError', { product, percent });
}

function judgeKoffi(machine: Machine): Finding {
  const version = machine.process.packages.koffi;
  if (version !== undefined) return ok(version);
  if (!hasVendorNpu(machine)) return info(phrase('onlyForNpu'));
  return bad(phrase('notInstalled'), phrase('installKoffi'));
}

function judgeProtobufjs({ process, libc }: Machine): Finding {
  const version = process.packages.protobufjs;
  if (version !== undefined) return ok(version);
  if (process.missingPackages === undefined) return info(notRecorded);
  if (libc.kind === 'musl') return info(phrase('uselessOnMusl'));
  return bad(phrase('notInstalled'), phrase('installProtobufjs'));
}

function judgeOthers({ process }: Machine): Finding {
  const others = Object.entries(uses);
  const missing = others.filter(([name]) => process.packages[name] === undefined);
  if (missing.length > 0 && process.missingPackages === undefined) return info(notRecorded);
  if (missing.length === 0) return ok(phrase('allInstalled', { count: others.length }));
  const packages = listed(
    'comma',
    missing.map(([what, detail]) => phrase('brackets', { what, detail })),
  );
  const names = missing.map(([name]) => name).join(' ');
  return warn(phrase('packagesMissing', { packages }), phrase('installMissing', { names }));
}
