// Memory of a process and all it started, from Linux's /proc.
import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory of a process and its descendants; pages they share count once for each. */
export function treeMemoryBytes(pid) {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(status);
  const tree = new Set([pid]);
  // Children have higher numbers than their parents, except after the numbers began again.
  for (let grew = true; grew; ) {
    const before = tree.size;
    for (const { id, parent } of processes) if (tree.has(parent)) tree.add(id);
    grew = tree.size > before;
  }
  return processes.reduce((sum, { id, bytes }) => (tree.has(id) ? sum + bytes : sum), 0);
}

function status(name) {
  try {
    const text = readFileSync(`/proc/${name}/status`, 'utf8');
    const field = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return { id: Number(name), parent: field('PPid'), bytes: field('VmRSS') * 1024 };
  } catch {
    return { id: 0, parent: -1, bytes: 0 };
  }
}
