import { type CacheEntry, clearCache, listCache } from '../model/hub/cache-contents';
import { alignedTable } from './command/aligned-table';
import { type Command, UsageError } from './command/command';

const actions = ['list', 'clear'] as const;

export const command: Command = {
  takesArguments: true,
  summary: 'List or clear what the cache keeps: checkpoints, interrupted downloads, prepared bundles',
  usage: 'cache [list]   |   cache clear NAME…   |   cache clear --all',
  options: { all: { type: 'boolean' } },
  async run({ all }, [action = 'list', ...names], io, { cacheDir }) {
    if (!actions.some((each) => each === action)) {
      throw new UsageError(`expected list or clear, received "${action}"`);
    }
    if (action === 'list') {
      if (names.length > 0 || all) throw new UsageError('list takes no names');
      const entries = await listCache(cacheDir);
      io.result(entries.map(document), listed(entries, `The cache ${cacheDir} is empty.`));
      return 0;
    }
    if (names.length > 0 === (all === true)) {
      throw new UsageError('expected names, or --all', 'smolvlm cache lists the names.');
    }
    const known = await listCache(cacheDir);
    const unknown = names.filter((name) => !known.some((entry) => entry.name === name));
    if (unknown.length > 0) {
      throw new UsageError(`the cache does not hold ${unknown.join(', ')}`, 'smolvlm cache lists the names.');
    }
    const removed = await clearCache(names, cacheDir);
    const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    io.result(removed.map(document), `Removed ${removed.length}, ${megabytes(bytes)}`);
    return 0;
  },
};

function document({ kind, name, version, path, sizeBytes }: CacheEntry): object {
  return { kind, name, version, path, size_bytes: sizeBytes };
}

function listed(entries: readonly CacheEntry[], empty: string): string {
  if (entries.length === 0) return empty;
  const rows = entries.map(({ kind, name, version, sizeBytes }) => [
    kind,
    name,
    version,
    megabytes(sizeBytes),
  ]);
  const total = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return `${alignedTable(['kind', 'name', 'version', 'size'], rows)}\nTotal: ${megabytes(total)}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
