import { join } from 'node:path';
import { SmolvlmError } from '../../errors';
import type { Bundle } from '../../model/bundle/read-bundle';
import { type Checkpoint, openCheckpoint } from '../../model/checkpoint/checkpoint';
import { checkpointPlace } from '../../model/checkpoint/checkpoint-places';
import { demoModelFolder, resolveModel } from '../../model/hub/resolve-model';
import { defined } from '../../system/defined';
import { targetNpuCores } from '../bundle/npu-target';
import { chooseFrames } from '../npu/calibration-frames';
import { npuTower } from '../npu/npu-tower';
import { ReferenceActivations } from '../npu/reference-activations';
import type { Toolkit } from '../toolkit/toolkit-worker';
import { SimulatorBackend } from './simulator-backend';

export interface OpenSimulatorOptions {
  /** Of the release that the bundle was made with. */
  readonly toolkit: Toolkit;
  /** For activations; removed by the caller. */
  readonly work: string;
  /** The checkpoint that the bundle was made from; default: the one of the bundle's id, or the demo model. */
  readonly model?: string;
  /** The folder of frames the bundle was made with; default: the shipped ones. */
  readonly calibration?: string;
  readonly signal?: AbortSignal;
  /** A calibration frame is started, counted from 1. */
  readonly onFrame?: (frame: number, frames: number) => void;
  /** A stage is being built. */
  readonly onStage?: (name: string) => void;
}

/**
 * Opens the simulator for an NPU bundle: its stages are built again from its checkpoint, with the settings in its
 * manifest.
 * @throws SmolvlmError `validate-checkpoint` for another checkpoint, `validate-frames` for other frames than the
 *   bundle's INT8 stages were calibrated with, `validate-backend` for a bundle without these settings
 */
export async function openSimulator(
  bundle: Bundle,
  options: OpenSimulatorOptions,
): Promise<SimulatorBackend> {
  const { conversion, target, residualScale, stages } = bundle.manifest;
  if (!conversion || target === 'cpu' || !(target in targetNpuCores)) {
    throw new SmolvlmError('validate-backend', `${bundle.dir} does not say how its stages were made`, {
      hint: 'Only a bundle made by smolvlm convert can be built again for the simulator.',
    });
  }
  const checkpoint = await checkpointOf(bundle, options.model);
  try {
    const calibrate = stages.some(({ precision }) => precision === 'int8');
    const frames = await chooseFrames(options.calibration);
    if (calibrate && frames.sha256 !== conversion.framesSha256) {
      throw new SmolvlmError('validate-frames', `${bundle.dir} was calibrated with other frames`, {
        hint: 'Give the folder of frames it was converted with: --calibration DIR.',
      });
    }
    const activations = calibrate
      ? await ReferenceActivations.capture(checkpoint, frames, join(options.work, 'reference'), {
          residualScale,
          calibrate,
          ...defined({ onFrame: options.onFrame, signal: options.signal }),
        })
      : undefined;
    const backend = await SimulatorBackend.start(
      options.toolkit,
      await npuTower(checkpoint, activations, { target, residualScale, queryRows: conversion.queryRows }),
      conversion.granularity,
      options.onStage,
    );
    return backend.owning(() => checkpoint.close());
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** The given checkpoint, else the first with the bundle's checksum: where it was converted from, pulled, or the demo model. */
async function checkpointOf(
  { dir, manifest: { model } }: Bundle,
  given: string | undefined,
): Promise<Checkpoint> {
  const places =
    given === undefined
      ? [await checkpointPlace(model.sha256), await pulledFolder(model.id), demoModelFolder]
      : [(await resolveModel(given)).dir];
  const others: string[] = [];
  for (const place of places) {
    if (place === undefined) continue;
    const checkpoint = await openCheckpoint(place).catch((error: unknown) => {
      // A folder that was only remembered may have gone.
      if (given !== undefined) throw error;
    });
    if (!checkpoint) continue;
    const found = await checkpoint.sha256();
    if (found === model.sha256) return checkpoint;
    await checkpoint.close();
    if (place !== demoModelFolder) others.push(`${place} (SHA-256 ${found})`);
  }
  const what =
    others.length > 0
      ? `${others.join(', ')} is not the checkpoint that ${dir} was made from: expected SHA-256 ${model.sha256}`
      : `${dir} was made from ${model.id}, which is not on this machine`;
  throw new SmolvlmError('validate-checkpoint', what, {
    hint: 'The simulator builds the stages again: give their checkpoint with --model.',
  });
}

async function pulledFolder(id: string): Promise<string | undefined> {
  const pulled = await resolveModel(id).catch(() => undefined);
  return pulled?.kind === 'checkpoint' ? pulled.dir : undefined;
}
