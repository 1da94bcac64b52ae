import { bundleAdvice, releaseOf } from '../../model/bundle/rknn-toolkits';
import { type FindingText, listed, phrase } from '../../protocol/findings/finding-phrase';
import { defaultToolkit } from '../../protocol/models/conversion-choices';
import { defined } from '../../system/defined';
import type { CheckpointFacts, ModelFacts } from '../bundle-facts';
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
  const [first] = machine.rknn;
  if (!hasVendorNpu(machine))
    return info(first ? inOrder(machine.rknn) : phrase('noLibrary'), phrase('vendorDriverOnly'));
  if (!first) {
    const variable = runtimeVariable('rknn');
    return bad(phrase('rknnMissing'), phrase('installRknn', { toolkit: defaultToolkit, variable }));
  }
  const finding = judgeLibrary('rknn', machine.rknn, first);
  if (finding.state !== 'ok' || first.version === undefined || versionAtLeast(first.version, defaultToolkit))
    return finding;
  return warn(finding.value, phrase('rknnOld', { toolkit: defaultToolkit }));
}

function judgeRkllm(machine: Machine): Finding {
  const [first] = machine.rkllm;
  if (!first) return info(phrase('noRkllm'));
  if (!hasVendorNpu(machine)) return info(inOrder(machine.rkllm), phrase('vendorDriverOnly'));
  const { version } = machine.driver;
  if (version !== undefined && !versionAtLeast(version, leastRkllmDriver)) {
    return bad(
      phrase('libraryOnDriver', { library: inOrder(machine.rkllm), version }),
      phrase('rkllmDriverOld', { least: leastRkllmDriver }),
    );
  }
  return judgeLibrary('rkllm', machine.rkllm, first);
}

function judgeLibrary(kind: RuntimeKind, all: readonly RuntimeLibrary[], first: RuntimeLibrary): Finding {
  const { path, fault } = first;
  const variable = runtimeVariable(kind);
  if (fault !== undefined)
    return bad(phrase('named', { name: path, what: fault }), phrase('replaceLibrary', { variable }));
  if (all.length > 1) return warn(inOrder(all), phrase('keepOneLibrary', { variable }));
  if (first.version === undefined) return warn(inOrder(all), phrase('versionNotInFile'));
  return ok(inOrder(all));
}

/** The one that is loaded comes first. */
function inOrder(libraries: readonly RuntimeLibrary[]): FindingText {
  const texts = libraries.map(({ path, version, fault }) =>
    version === undefined
      ? phrase('brackets', { what: fault ?? phrase('versionUnknown'), detail: path })
      : `${version} (${path})`,
  );
  return listed('then', texts);
}

function judgeBundles(machine: Machine): Finding {
  const checkpoints = machine.bundles.filter((each) => 'checkpoint' in each);
  const findings = machine.bundles.flatMap((each) =>
    'checkpoint' in each ? [] : [judgeBundle(machine, each)],
  );
  const states = ['bad', 'warn', 'info', 'ok'] as const;
  const worst = states.map((state) => findings.find((finding) => finding.state === state)).find(Boolean);
  if (!worst) {
    const target = npuTarget(machine.soc);
    const runtime = hasVendorNpu(machine) ? machine.rknn[0]?.version : undefined;
    const [model] = checkpoints.map(({ checkpoint }) => checkpoint);
    const conversion =
      target && runtime ? bundleAdvice(runtime, { target, ...defined({ model }) }) : undefined;
    if (model !== undefined) {
      const values = checkpoints.map(({ checkpoint }) => phrase('checkpointForCpu', { model: checkpoint }));
      return info(listed('semicolon', values), conversion);
    }
    const first = phrase('compareBundle');
    return info(phrase('noBundle'), conversion ? phrase('sentences', { first, second: conversion }) : first);
  }
  const values = findings.map(({ value }) => value);
  return { ...worst, value: listed('semicolon', values) };
}

function judgeBundle(machine: Machine, bundle: Exclude<ModelFacts, CheckpointFacts>): Finding {
  if ('fault' in bundle) {
    const { model, fault } = bundle;
    const { code, message, hint = phrase('otherModel') } = fault;
    return bad(phrase('modelFault', { model, code, message }), phrase('modelWayOut', { code, hint }));
  }
  const { path, model, target, toolkitVersion } = bundle;
  if (target === 'cpu') return ok(phrase('bundleForCpu', { path }));
  const version = toolkitVersion ?? phrase('ofUnknownVersion');
  const made = phrase('bundleMade', { path, target, version });
  const fitting = npuTarget(machine.soc);
  if (fitting !== target) {
    const value = phrase('bundleForOtherChip', { bundle: made, chip: machine.soc.id });
    const advice = phrase('makeBundleForHere', { target: fitting ?? 'cpu' });
    if (!bundle.hasCpuStages) return bad(value, advice);
    const onCpu = phrase('bundleCpuStages', { bundle: value });
    return fitting === undefined ? ok(onCpu) : warn(onCpu, advice);
  }
  const runtime = machine.rknn[0]?.version;
  if (toolkitVersion === undefined || runtime === undefined) return info(made);
  const value = phrase('bundleAndRuntime', { bundle: made, version: runtime });
  if (releaseOf(toolkitVersion) === releaseOf(runtime)) return ok(value);
  const advice = phrase('installRuntime', {
    version: releaseOf(toolkitVersion),
    advice: bundleAdvice(runtime, { model, target }),
  });
  return versionAtLeast(runtime, toolkitVersion) ? warn(value, advice) : bad(value, advice);
}
