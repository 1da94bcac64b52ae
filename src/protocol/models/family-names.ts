/** Hub ids of the models that every engine can fetch: those of `src/model/hub/model-family.ts`, for a client without its list. */
export const familyNames: readonly string[] = [
  'HuggingFaceTB/SmolVLM-256M-Instruct',
  'HuggingFaceTB/SmolVLM-500M-Instruct',
  'HuggingFaceTB/SmolVLM-Instruct',
  'HuggingFaceTB/SmolVLM2-256M-Video-Instruct',
  'HuggingFaceTB/SmolVLM2-500M-Video-Instruct',
  'HuggingFaceTB/SmolVLM2-2.2B-Instruct',
];
