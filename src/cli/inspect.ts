import type { CommandGroup } from './command';

/** Looks at one part of the pipeline at a time; a line per file in `inspect/`. */
export const command: CommandGroup = {
  summary: 'Shows what one part of the pipeline makes of its input.',
  subcommands: {
    activations: () => import('./inspect/activations.js'),
    generate: () => import('./inspect/generate.js'),
    prompt: () => import('./inspect/prompt.js'),
    'random-checkpoint': () => import('./inspect/random-checkpoint.js'),
    tiles: () => import('./inspect/tiles.js'),
    tokenize: () => import('./inspect/tokenize.js'),
  },
};
