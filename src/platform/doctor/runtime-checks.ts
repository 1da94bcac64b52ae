import { bundleAdvice, releaseOf } from '../../model/bundle/rknn-toolkits';
import { defaultToolkit } from '../../protocol/models/conversion-choices';
import type { Machine } from '../machine';
import { versionAtLeast } from '../npu/npu-driver';
import { type RuntimeKind, type RuntimeLibrary, runtimeVariable } from '../runtime-library';
import { npuTarget } from '../soc';
import { bad, type Check, type Finding, hasNpu, hasVendorNpu, info, ok, warn } from './finding';

/** On older drivers RKLLM loads, and its answers are garbage. */
const leastRkllmDriver = '0.9.8';

/** The vendor's libraries, and the bundles that they run. */
export const runtimeChecks: readonly Check[] = [
  { id: 'rknn-runtime', title: 'librknnrt', applies: hasNpu, judge: judgeRknn, stops: ['captionOnNpu'] },
  { id: 'rkllm-runtime', title: 'librkllmrt', applies: hasNpu, judge: judgeRkllm },
  { id: 'bundle', title: 'Bundle', judge: judgeBundles },
];

function judgeRknn(machine: Machine): Finding {
  if (!hasVendorNpu(machine))
    return info(listed(machine.rknn) || 'none', 'It works only with the vendor’s driver.');
  const [first] = machine.rknn;
  if (!first) {
    return bad(
      'librknnrt.so was not found',
      `Put the vendor’s librknnrt.so (aarch64, of the bundle’s toolkit version, by default ${defaultToolkit}) into /usr/lib, or set ${runtimeVariable('rknn')} to its path.`,
    );
  }
  const finding = judgeLibrary('rknn', machine.rknn, first);
  if (finding.state !== 'ok' || first.version === undefined || versionAtLeast(first.version, defaultToolkit))
    return finding;
  return warn(
    finding.value,
    `It refuses the bundles of this package, which are made for ${defaultToolkit} or newer: replace it, unless your .rknn files were made for it.`,
  );
}

function judgeRkllm(machine: Machine): Finding {
  const [first] = machine.rkllm;
  if (!first) return info('none; the decoder runs on the CPU');
  if (!hasVendorNpu(machine)) return info(listed(machine.rkllm), 'It works only with the vendor’s driver.');
  const { version } = machine.driver;
  if (version !== undefined && !versionAtLeast(version, leastRkllmDriver)) {
    return bad(
      `${listed(machine.rkllm)}, on driver ${version}`,
      `Its answers are garbage on drivers before ${leastRkllmDriver}: update the kernel, or use the CPU decoder.`,
    );
  }
  return judgeLibrary('rkllm', machine.rkllm, first);
}

function judgeLibrary(kind: RuntimeKind, all: readonly RuntimeLibrary[], first: RuntimeLibrary): Finding {
  if (first.fault !== undefined) {
    return bad(
      `${first.path}: ${first.fault}`,
      `Put the vendor’s library for aarch64 there, or set ${runtimeVariable(kind)} to the path of another one.`,
    );
  }
  if (all.length > 1) {
    return warn(
      listed(all),
      `Keep one: which one is loaded depends on how the program is started. Or set ${runtimeVariable(kind)} to its path.`,
    );
  }
  if (first.version === undefined) {
    return warn(
      listed(all),
      'The file does not say its version: it may be cut short. Compare its size with the vendor’s file, and its version with the bundle’s toolkit.',
    );
  }
  return ok(listed(all));
}

/** The one that is loaded comes first. */
function listed(libraries: readonly RuntimeLibrary[]): string {
  return libraries
    .map(({ path, version, fault }) => `${version ?? fault ?? 'unknown version'} (${path})`)
    .join(', then ');
}

function judgeBundles(machine: Machine): Finding {
  const findings = machine.bundles.map((bundle) => judgeBundle(machine, bundle));
  const states = ['bad', 'warn', 'info', 'ok'] as const;
  const worst = states.map((state) => findings.find((finding) => finding.state === state)).find(Boolean);
  if (!worst) {
    const compare = 'smolvlm doctor --model BUNDLE compares one with this machine.';
    const target = npuTarget(machine.soc);
    const runtime = hasVendorNpu(machine) ? machine.rknn[0]?.version : undefined;
    const fitting = target && runtime ? ` ${bundleAdvice(runtime, { target })}` : '';
    return info('none given', `${compare}${fitting}`);
  }
  return { ...worst, value: findings.map(({ value }) => value).join('; ') };
}

function judgeBundle(machine: Machine, bundle: Machine['bundles'][number]): Finding {
  if ('fault' in bundle) {
    const { message, hint } = bundle.fault;
    return bad(message, hint ?? 'Choose another model.');
  }
  const { path, model, target, toolkitVersion } = bundle;
  if (target === 'cpu') return ok(`${path}: for any CPU`);
  const made = `${path}: for ${target}, by rknn-toolkit2 ${toolkitVersion ?? 'of unknown version'}`;
  const fitting = npuTarget(machine.soc);
  if (fitting !== target) {
    const value = `${made}; this chip is ${machine.soc.id}`;
    const advice = `Make a bundle for this machine: smolvlm convert --target ${fitting ?? 'cpu'}.`;
    if (!bundle.hasCpuStages) return bad(value, advice);
    const onCpu = `${value}, which runs its CPU stages`;
    return fitting === undefined ? ok(onCpu) : warn(onCpu, advice);
  }
  const runtime = machine.rknn[0]?.version;
  if (toolkitVersion === undefined || runtime === undefined) return info(made);
  const value = `${made}; librknnrt is ${runtime}`;
  if (releaseOf(toolkitVersion) === releaseOf(runtime)) return ok(value);
  const advice = `Install librknnrt ${releaseOf(toolkitVersion)}, or convert again. ${bundleAdvice(runtime, { model, target })}`;
  return versionAtLeast(runtime, toolkitVersion) ? warn(value, advice) : bad(value, advice);
}
