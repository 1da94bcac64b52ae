import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorBody, SmolvlmError } from '../../errors';
import { defined } from '../../system/defined';
import { makeFolder } from '../../system/files/make-folder';
import { isJsonObject, JsonFields, type JsonObject, parseJsonObject } from '../../system/json/json-fields';

/** Name of the file with a recorded machine, or with what the plain files beside it cannot store. */
export const recordingName = 'recording.json';

/** Facts about the process that need no files. */
export interface ProcessFacts {
  /** As `process.arch`: `arm64`, `x64`. */
  readonly arch: string;
  /** As `process.platform`. */
  readonly platform: string;
  /** Without the leading v. */
  readonly nodeVersion: string;
  readonly uid: number;
  /** Versions of the optional packages that are installed, by name. */
  readonly packages: Readonly<Record<string, string>>;
  /** The other optional packages. Older recordings lack the list: they looked only for onnxruntime-node and koffi. */
  readonly missingPackages?: readonly string[];
  /** Those of `observedVariables` that are set. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Environment variables that the doctor uses; no others are read or recorded. */
export const observedVariables = [
  'SMOLVLM_RKNN_LIBRARY',
  'SMOLVLM_RKLLM_LIBRARY',
  'SMOLVLM_NPU_LOCK',
  'SMOLVLM_CONVERT_PYTHON',
  'LD_LIBRARY_PATH',
  'SNAP_NAME',
  'PATH',
] as const;

/** A device node of a recorded machine. */
export interface RecordedDevice {
  /** Octal permissions, e.g. `0660`. */
  readonly mode: string;
  readonly gid: number;
  /** Error code of opening it for reading and writing; absent when it opened. */
  readonly refused?: string;
}

/** What another process found out about onnxruntime's products on this CPU. */
export interface CpuProducts {
  /** The fastest kernels with which all are right; absent: none. */
  readonly kernels?: string;
  /** The same for float32 products alone. */
  readonly float32Kernels?: string;
  /** What is wrong, and what is used instead. */
  readonly note?: string;
  /** Error of the process; absent if it returned a result. */
  readonly failure?: string;
  /** How the process ended that was to find out, e.g. `SIGILL`. */
  readonly crash?: string;
}

/** `recording.json`: the files of a machine, in one text file. */
export interface SystemRecording {
  readonly process: ProcessFacts;
  /** Content of files by path, one character per byte (latin-1); written as a string or a list of lines. */
  readonly files: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, RecordedDevice>>;
  /** Targets of symbolic links by path; a target need not be in the tree. */
  readonly links: Readonly<Record<string, string>>;
  /** Files that existed and could not be read. */
  readonly denied: readonly string[];
  readonly cpuProducts?: CpuProducts;
  /** Sizes of files of which only a part was recorded, in bytes. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** Writes `recording.json` into a folder, and makes the folder if it does not exist. @throws SmolvlmError `doctor-record` */
export async function writeRecording(folder: string, recording: SystemRecording): Promise<void> {
  const lines = (text: string): string | string[] => (text.includes('\n') ? text.split('\n') : text);
  const files = Object.entries(recording.files).map(([path, text]) => [path, lines(text)]);
  const document = { ...recording, files: Object.fromEntries(files) };
  try {
    await makeFolder(folder);
    await writeFile(join(folder, recordingName), `${JSON.stringify(document, undefined, 2)}\n`);
  } catch (cause) {
    throw new SmolvlmError(
      'doctor-record',
      `the machine cannot be recorded in ${folder}: ${errorBody(cause).message}`,
      {
        hint: 'Give a folder that this user can write to.',
        cause,
      },
    );
  }
}

/** @param path of the file, for the error @throws SmolvlmError `doctor-recording` */
export function parseRecording(text: string, path: string): SystemRecording {
  const fault = (message: string): SmolvlmError =>
    new SmolvlmError('doctor-recording', `${path}: ${message}`, {
      hint: 'Record the machine again: smolvlm doctor --record DIR.',
    });
  const root = parseJsonObject(text, fault);
  const fields = new JsonFields(root, fault);
  const facts = fields.child('process');
  const denied = fields.raw('denied') ?? [];
  if (!Array.isArray(denied)) throw fields.wrong('denied', 'a list of paths');
  return {
    process: {
      arch: facts.string('arch'),
      platform: facts.string('platform'),
      nodeVersion: facts.string('nodeVersion'),
      uid: facts.index('uid'),
      packages: texts(facts.raw('packages'), () => facts.wrong('packages', 'names and versions')),
      environment: texts(facts.raw('environment'), () => facts.wrong('environment', 'names and values')),
      ...defined({ missingPackages: missingPackages(facts) }),
    },
    files: contents(fields.raw('files'), () => fields.wrong('files', 'paths with strings or lists of lines')),
    devices: devices(root.devices, fields, fault),
    links: texts(fields.raw('links'), () => fields.wrong('links', 'paths and targets')),
    denied: denied.map(String),
    ...defined({ sizes: sizes(fields) }),
    ...defined({
      cpuProducts: fields.has('cpuProducts')
        ? texts(fields.raw('cpuProducts'), () => fields.wrong('cpuProducts', 'an object of strings'))
        : undefined,
    }),
  };
}

function missingPackages(facts: JsonFields): readonly string[] | undefined {
  const value = facts.raw('missingPackages');
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw facts.wrong('missingPackages', 'a list of names');
  return value.map(String);
}

function sizes(fields: JsonFields): Readonly<Record<string, number>> | undefined {
  const value = fields.raw('sizes');
  if (value === undefined) return undefined;
  if (isJsonObject(value) && Object.values(value).every((size) => typeof size === 'number')) {
    return value as Readonly<Record<string, number>>;
  }
  throw fields.wrong('sizes', 'paths and numbers of bytes');
}

function contents(value: unknown, wrong: () => SmolvlmError): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isJsonObject(value)) throw wrong();
  const joined = Object.entries(value).map(([path, content]): [string, unknown] => [
    path,
    Array.isArray(content) ? content.join('\n') : content,
  ]);
  return texts(Object.fromEntries(joined), wrong);
}

function texts(value: unknown, wrong: () => SmolvlmError): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isJsonObject(value) || !Object.values(value).every((each) => typeof each === 'string')) throw wrong();
  return value as Readonly<Record<string, string>>;
}

function devices(
  value: unknown,
  fields: JsonFields,
  fault: (message: string) => SmolvlmError,
): Readonly<Record<string, RecordedDevice>> {
  if (value === undefined) return {};
  if (!isJsonObject(value)) throw fields.wrong('devices', 'an object');
  const entries = Object.entries(value as JsonObject).map(([path, device]): [string, RecordedDevice] => {
    if (!isJsonObject(device)) throw fault(`devices.${path}: expected an object`);
    const each = new JsonFields(device, fault, `devices.${path}.`);
    const refused = each.has('refused') ? each.string('refused') : undefined;
    return [path, { mode: each.string('mode'), gid: each.index('gid'), ...defined({ refused }) }];
  });
  return Object.fromEntries(entries);
}
