import { HostTensors } from '../model/bundle/host-tensors';
import { readModelConfigs } from '../model/checkpoint/checkpoint';
import { ResourceStack } from '../system/async/resource-stack';
import { defined } from '../system/defined';
import { type DecoderRunner, openDecoder } from '../text/open-decoder';
import { TokenEmbeddings } from '../text/token-embeddings';
import { bundleArithmetic } from './cpu/arithmetic';
import type { CaptionerOptions } from './inference';
import { openModelBundle, productsOf } from './model-bundle';

/** A model's text side only. */
export interface ModelDecoder {
  /** The bundle's folder, tokenizer included. */
  readonly dir: string;
  readonly runner: DecoderRunner;
  readonly embeddings: TokenEmbeddings;
  readonly stopIds: readonly number[];
  close(): Promise<void>;
}

/** Opens a model's decoder and token embeddings, prepared as for captions. */
export async function openModelDecoder(options: CaptionerOptions): Promise<ModelDecoder> {
  const { bundle } = await openModelBundle(options);
  const { kernels } = bundleArithmetic(await productsOf(options), bundle);
  const { config } = await readModelConfigs(bundle.dir);
  return ResourceStack.open(async (opened) => {
    const host = await HostTensors.open(bundle);
    opened.own(() => host.close());
    const runner = await openDecoder(bundle, config.text, {
      kernels,
      ...defined({ threads: options.threads }),
    });
    opened.own(() => runner.close());
    return {
      dir: bundle.dir,
      runner,
      embeddings: new TokenEmbeddings(host),
      stopIds: config.eosTokenIds,
      close: () => opened.close(),
    };
  });
}
