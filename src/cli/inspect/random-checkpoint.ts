import { writeRandomCheckpoint } from '../../model/checkpoint/random-checkpoint';
import { type Command, optionalInteger, requiredString } from '../command/command';

export const command: Command = {
  summary: 'Write a checkpoint with random weights in the shapes of the configs',
  usage: 'inspect random-checkpoint --configs DIR --out DIR [--seed N]',
  options: { configs: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string' } },
  async run(values, _positionals, io) {
    const out = requiredString(values, 'out');
    const seed = optionalInteger(values, 'seed', 0) ?? 1;
    const { tensors, parameters, weights } = await writeRandomCheckpoint(
      requiredString(values, 'configs'),
      out,
      seed,
      io.signal,
    );
    io.result(
      { out, seed, tensors, parameters, bytes: weights.sizeBytes, sha256: weights.sha256 },
      `${out}: ${tensors} tensors, ${parameters} parameters, ${weights.sizeBytes} bytes (seed ${seed})`,
    );
    return 0;
  },
};
