import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JsonFields, readJsonObject } from '../../system/json/json-fields';
import { CheckpointError } from '../safetensors/checkpoint-error';

/** The origin of a pulled checkpoint, stored in its folder. */
export interface PullRecord {
  /** `ORG/NAME` */
  readonly id: string;
  /** Requested branch, tag or commit. */
  readonly revision: string;
  /** Its commit hash when it was pulled. */
  readonly commit: string;
}

const recordFile = '.smolvlm-pull.json';

/** @returns undefined for a folder that was not pulled */
export async function readPullRecord(dir: string): Promise<PullRecord | undefined> {
  const fault = (message: string): CheckpointError =>
    new CheckpointError('checkpoint-config', `${join(dir, recordFile)}: ${message}`);
  const json = await readJsonObject(join(dir, recordFile), fault);
  if (!json) return undefined;
  const fields = new JsonFields(json, fault);
  return {
    id: fields.string('id'),
    revision: fields.string('revision'),
    commit: fields.string('commit'),
  };
}

export async function writePullRecord(dir: string, record: PullRecord): Promise<void> {
  await writeFile(join(dir, recordFile), `${JSON.stringify(record, null, 2)}\n`);
}
