import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { examine } from '../../../src/platform/doctor/examine';
import { readMachine } from '../../../src/platform/machine';
import type { SystemRecording } from '../../../src/platform/recording/system-recording';
import { fixture } from '../../fixtures';
import { recordedTree } from '../recording/recorded-tree';

/** A change to a recorded machine. */
export type Edit = (recording: {
  process: { uid: number };
  files: Record<string, string | readonly string[]>;
  links: Record<string, string>;
  devices: Record<string, { mode: string; gid: number; refused?: string }>;
  denied: string[];
}) => void;

/** The vendor's board without an engine and without Frigate, edited. */
export function editedBoard(folder: string, ...edits: readonly Edit[]) {
  const path = join(fixture('machines', 'frigate-on-card1'), 'recording.json');
  const recording = JSON.parse(readFileSync(path, 'utf8'));
  recording.denied ??= [];
  for (const kind of ['files', 'links']) {
    for (const name of Object.keys(recording[kind])) {
      if (/^\/proc\/(640|812)\/|^\/tmp\/smolvlm-npu/.test(name)) delete recording[kind][name];
    }
  }
  for (const edit of edits) edit(recording);
  const { checks, can } = examine(readMachine(recordedTree(folder, recording as SystemRecording)));
  const line = (id: string) => {
    const found = checks.find((check) => check.id === id);
    assert.ok(found, id);
    return found;
  };
  return {
    devices: line('npu-devices'),
    runtime: line('rknn-runtime'),
    users: line('npu-users'),
    driver: line('npu-driver-version'),
    can,
  };
}

export const container =
  (path: string, content = ''): Edit =>
  ({ files }) => {
    files[path] = content;
  };

/** With version 2 of control groups, without any marker file. */
export const mounts =
  (line: string): Edit =>
  ({ files, links }) => {
    files['/proc/1/cgroup'] = '0::/';
    files['/proc/self/mountinfo'] = ['1 0 0:44 / / rw - overlay overlay rw', line];
    links['/proc/self/ns/pid'] = 'pid:[4026532921]';
  };

export const without =
  (...paths: readonly string[]): Edit =>
  ({ devices }) => {
    for (const path of paths) delete devices[path];
  };

export const refuse =
  (refused: string, ...paths: readonly string[]): Edit =>
  ({ devices, process }) => {
    process.uid = 1000;
    for (const path of paths) Object.assign(devices[path] ?? {}, { refused });
  };

export const process =
  (pid: number, command: string, ...open: readonly string[]): Edit =>
  ({ files, links }) => {
    files[`/proc/${pid}/cmdline`] = command;
    for (const [fd, node] of open.entries()) links[`/proc/${pid}/fd/${fd + 3}`] = node;
  };

/** The NPU's nodes are card0 and renderD128, the display's the others. */
export const swapped: Edit = ({ files }) => {
  for (const [a, b] of [
    ['card0', 'card1'],
    ['renderD128', 'renderD129'],
  ] as const) {
    const at = (name: string) => `/sys/class/drm/${name}/device/uevent`;
    [files[at(a)], files[at(b)]] = [files[at(b)] ?? '', files[at(a)] ?? ''];
  }
};
