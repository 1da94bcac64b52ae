import { resolve } from 'node:path';
import { installBundle } from '../convert/deliver/install-bundle';
import { defaultBounds } from '../convert/npu/npu-stage-part';
import { validateBundle } from '../convert/validate/validate-bundle';
import { SmolvlmError } from '../errors';
import type { Bundle } from '../model/bundle/read-bundle';
import { defined } from '../system/defined';
import { parseHttpAddress } from '../system/http-address';
import type { Settings } from '../system/settings';
import { npuAccess, openVisionBackend } from '../vision/open-vision-backend';
import { type Command, type CommandIo, optionalString, requiredString, UsageError } from './command/command';

/** `smolvlm install`: installs a packed bundle on a hub. */
export const command: Command = {
  takesArguments: true,
  summary:
    'Install a packed bundle from a path or address; the earlier one stays until the new one has passed its self-test',
  usage: 'install ARCHIVE|URL --to DIR [--sha256 HEX] [--skip-self-test]',
  options: {
    to: { type: 'string' },
    sha256: { type: 'string' },
    'skip-self-test': { type: 'boolean' },
  },
  async run(values, positionals, io, settings) {
    const [given, ...rest] = positionals;
    if (given === undefined || rest.length > 0) {
      throw new UsageError('expected one archive', 'smolvlm install ARCHIVE|URL --to DIR');
    }
    const source = parseHttpAddress(given) ?? resolve(given);
    const sha256 = optionalString(values, 'sha256');
    const tested = values['skip-self-test'] !== true;
    const test = (bundle: Bundle): Promise<void> => selfTest(bundle, settings, io);
    let toldPercent = -1;
    const { dir, manifest } = await installBundle(source, requiredString(values, 'to'), {
      signal: io.signal,
      ...defined({ sha256, selfTest: tested ? test : undefined }),
      onBytes: (done, total) => {
        const percent = total ? Math.floor((100 * done) / total) : 0;
        if (percent === toldPercent) return;
        toldPercent = percent;
        io.progress({ step: 'fetching', done: percent, total: 100 });
      },
    });
    io.result(
      { path: dir, manifest, tested },
      `${dir}: ${manifest.model.id} for ${manifest.target}${tested ? ', tested' : ', not tested'}`,
    );
    return 0;
  },
};

/** Runs the bundle's own reference through its stages on this machine. */
async function selfTest(bundle: Bundle, { npu }: Settings, io: CommandIo): Promise<void> {
  const backend = await openVisionBackend(bundle, { npu: npuAccess(npu) });
  try {
    const { pass, endToEndCosine, stages } = await validateBundle(bundle, backend, defaultBounds, {
      signal: io.signal,
      onStage: (step, done, total) => io.progress({ step: `self-test ${step}`, done, total }),
    });
    if (pass) return;
    const missed = stages.filter((stage) => !stage.pass).map(({ name }) => name);
    throw new SmolvlmError(
      'bundle-self-test',
      `the new bundle does not reach its bounds on this machine (${missed.join(', ') || `rows for the decoder: cosine ${endToEndCosine.toFixed(6)}`}); the earlier one stays`,
      { hint: 'Run smolvlm validate on the PC that made it, and smolvlm doctor here.' },
    );
  } finally {
    await backend.close();
  }
}
