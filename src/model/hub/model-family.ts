import { parseModelConfig } from '../checkpoint/model-config';
import { hubBytes, modelMemory, smallestHub } from '../checkpoint/model-memory';

/** A published model of the family. */
export interface FamilyModel {
  readonly id: string;
  /** Of its weights, as published. */
  readonly downloadBytes: number;
  /** Of an engine with this model in int8, all on the CPU, with a context of 1000 tokens. */
  readonly memoryBytes: number;
  /** Memory of the smallest machine with room for it beside its system. */
  readonly machineGb: number;
  /** What it is good for. */
  readonly suits: 'first' | 'better' | 'best' | 'video';
}

const smallTower = {
  hidden_size: 768,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  intermediate_size: 3072,
  image_size: 512,
  patch_size: 16,
};
const largeTower = {
  hidden_size: 1152,
  num_attention_heads: 16,
  num_hidden_layers: 27,
  intermediate_size: 4304,
  image_size: 384,
  patch_size: 14,
};

/** The fields of config.json from which the shapes follow; SmolVLM and SmolVLM2 differ only in a few words of the largest. */
const shapes = {
  '256M': {
    scale_factor: 4,
    vision_config: smallTower,
    text_config: {
      hidden_size: 576,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      intermediate_size: 1536,
      vocab_size: 49280,
    },
  },
  '500M': {
    scale_factor: 4,
    vision_config: smallTower,
    text_config: {
      hidden_size: 960,
      num_hidden_layers: 32,
      num_attention_heads: 15,
      num_key_value_heads: 5,
      intermediate_size: 2560,
      vocab_size: 49280,
    },
  },
  '2.2B': {
    scale_factor: 3,
    vision_config: largeTower,
    text_config: {
      hidden_size: 2048,
      num_hidden_layers: 24,
      num_attention_heads: 32,
      num_key_value_heads: 32,
      intermediate_size: 8192,
      vocab_size: 49280,
    },
  },
} as const;

const published = [
  { id: 'HuggingFaceTB/SmolVLM-256M-Instruct', downloadBytes: 513e6, shape: '256M', suits: 'first' },
  { id: 'HuggingFaceTB/SmolVLM-500M-Instruct', downloadBytes: 1_015e6, shape: '500M', suits: 'better' },
  { id: 'HuggingFaceTB/SmolVLM-Instruct', downloadBytes: 4_493e6, shape: '2.2B', suits: 'best' },
  {
    id: 'HuggingFaceTB/SmolVLM2-256M-Video-Instruct',
    downloadBytes: 1_026e6,
    shape: '256M',
    suits: 'video',
  },
  {
    id: 'HuggingFaceTB/SmolVLM2-500M-Video-Instruct',
    downloadBytes: 2_030e6,
    shape: '500M',
    suits: 'video',
  },
  { id: 'HuggingFaceTB/SmolVLM2-2.2B-Instruct', downloadBytes: 8_986e6, shape: '2.2B', suits: 'best' },
] as const;

/** The models that can be fetched by their names, smallest first within a generation. */
export const familyModels: readonly FamilyModel[] = published.map(({ shape, ...model }) => {
  const config = parseModelConfig({ model_type: 'smolvlm', ...shapes[shape] });
  const memoryBytes = Math.round(hubBytes(modelMemory(config), 'all on the CPU', 1000));
  const machineGb = smallestHub(memoryBytes);
  if (machineGb === undefined) throw new RangeError(`${model.id} fits on no hub`);
  return { ...model, memoryBytes, machineGb };
});
