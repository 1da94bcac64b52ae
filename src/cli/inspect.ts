import type { CommandGroup } from './command/command';

/** Shows one part of the pipeline at a time; one subcommand per file in `inspect/`. */
export const command: CommandGroup = {
  summary: 'Show the output of one part of the pipeline',
  subcommands: {
    activations: () => import('./inspect/activations.js'),
    generate: () => import('./inspect/generate.js'),
    memory: () => import('./inspect/memory.js'),
    'outlier-checkpoint': () => import('./inspect/outlier-checkpoint.js'),
    perplexity: () => import('./inspect/perplexity.js'),
    prompt: () => import('./inspect/prompt.js'),
    'random-checkpoint': () => import('./inspect/random-checkpoint.js'),
    tiles: () => import('./inspect/tiles.js'),
    tokenize: () => import('./inspect/tokenize.js'),
  },
};
