import { basename, dirname, resolve } from 'node:path';
import { packBundle } from '../convert/deliver/pack-bundle';
import { readBundle } from '../model/bundle/read-bundle';
import { makeFolder } from '../system/files/make-folder';
import { type Command, optionalString, UsageError } from './command/command';
import { checkOutputFile } from './command/output-file';

/** `smolvlm pack`: packs a bundle as one file for a hub. */
export const command: Command = {
  takesArguments: true,
  summary: 'Pack a bundle as one archive for a hub, to install with smolvlm install',
  usage: 'pack BUNDLE [--out F.tar]',
  options: { out: { type: 'string' } },
  async run(values, positionals, io) {
    const [dir, ...rest] = positionals;
    if (dir === undefined || rest.length > 0)
      throw new UsageError('expected one bundle', 'smolvlm pack BUNDLE');
    const out = resolve(optionalString(values, 'out') ?? `${basename(resolve(dir))}.tar`);
    const bundle = await readBundle(dir);
    await makeFolder(dirname(out));
    await checkOutputFile('--out', out);
    const { path, sizeBytes, sha256 } = await packBundle(bundle, out);
    io.result(
      { path, bytes: sizeBytes, sha256 },
      `${path}: ${(sizeBytes / 1e6).toFixed(1)} MB, SHA-256 ${sha256}`,
    );
    return 0;
  },
};
