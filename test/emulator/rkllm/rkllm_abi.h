/*
 * The C interface of librkllmrt in the two layouts in use: RKLLM_ABI 12 (releases 1.2.1 to 1.2.3) and 13 (1.3.0).
 * Written from the documented fields; sizes are checked below.
 */
#ifndef RKLLM_ABI_H
#define RKLLM_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef RKLLM_ABI
#define RKLLM_ABI 13
#endif

typedef void *LLMHandle;

typedef enum { RKLLM_RUN_NORMAL, RKLLM_RUN_WAITING, RKLLM_RUN_FINISH, RKLLM_RUN_ERROR } LLMCallState;
typedef enum { RKLLM_INPUT_PROMPT, RKLLM_INPUT_TOKEN, RKLLM_INPUT_EMBED, RKLLM_INPUT_MULTIMODAL } RKLLMInputType;

typedef struct {
  int32_t base_domain_id;
  int8_t embed_flash;
  int8_t enabled_cpus_num;
  uint32_t enabled_cpus_mask;
  uint8_t n_batch;
  int8_t use_cross_attn;
  uint8_t reserved[104];
} RKLLMExtendParam;

typedef struct {
  const char *model_path;
  int32_t max_context_len, max_new_tokens, top_k, n_keep;
  float top_p, temperature, repeat_penalty, frequency_penalty, presence_penalty;
  int32_t mirostat;
  float mirostat_tau, mirostat_eta;
  bool skip_special_token;
#if RKLLM_ABI == 13
  bool ignore_eos_token;
#endif
  bool is_async;
#if RKLLM_ABI == 12
  const char *img_start, *img_end, *img_content;
#endif
  RKLLMExtendParam extend_param;
} RKLLMParam;

typedef struct {
  float *embed;
  size_t n_tokens;
} RKLLMEmbedInput;

typedef struct {
  int32_t *input_ids;
  size_t n_tokens;
} RKLLMTokenInput;

#if RKLLM_ABI == 13
typedef struct {
  char *prompt;
  struct {
    float *image_embed;
    size_t n_image_tokens, n_image;
    const char *image_start, *image_end, *image_content;
    size_t image_width, image_height;
  } image;
  struct {
    float *video_embed;
    size_t n_frame_tokens, n_frame_per_video, n_video;
    const char *video_start, *video_end, *video_content;
    size_t frame_width, frame_height;
  } video;
} RKLLMMultiModalInput;
#else
typedef struct {
  char *prompt;
  float *image_embed;
  size_t n_image_tokens, n_image, image_width, image_height;
} RKLLMMultiModalInput;
#endif

typedef struct {
  const char *role;
  bool enable_thinking;
  RKLLMInputType input_type;
  union {
    const char *prompt_input;
    RKLLMEmbedInput embed_input;
    RKLLMTokenInput token_input;
    RKLLMMultiModalInput multimodal_input;
  };
} RKLLMInput;

typedef struct {
  int32_t top_k;
  float top_p, temperature, repeat_penalty, frequency_penalty, presence_penalty;
  int32_t mirostat;
  float mirostat_tau, mirostat_eta;
} RKLLMSamplingParam;

typedef struct {
  int mode;
  void *lora_params, *prompt_cache_params;
#if RKLLM_ABI == 13
  RKLLMSamplingParam *sampling_params;
#endif
  int keep_history;
#if RKLLM_ABI == 13
  int32_t max_new_tokens;
#endif
} RKLLMInferParam;

typedef struct {
  float prefill_time_ms;
  int prefill_tokens;
  float generate_time_ms;
  int generate_tokens;
  float memory_usage_mb;
} RKLLMPerfStat;

typedef struct {
  const char *text;
  int32_t token_id;
  struct {
    const float *hidden_states;
    int embd_size, num_tokens;
  } last_hidden_layer;
  struct {
    const float *logits;
    int vocab_size, num_tokens;
  } logits;
  RKLLMPerfStat perf;
} RKLLMResult;

typedef int (*LLMResultCallback)(RKLLMResult *result, void *userdata, LLMCallState state);

typedef struct {
  LLMResultCallback result_callback;
  void *result_userdata;
  void *tokenizer_callback, *tokenizer_userdata;
  void *embed_callback, *embed_userdata;
} RKLLMCallback;

_Static_assert(sizeof(RKLLMExtendParam) == 120, "RKLLMExtendParam");
_Static_assert(sizeof(RKLLMResult) == 72, "RKLLMResult");
#if RKLLM_ABI == 13
_Static_assert(sizeof(RKLLMParam) == 184 && offsetof(RKLLMParam, extend_param) == 60, "RKLLMParam");
_Static_assert(sizeof(RKLLMInput) == 160 && sizeof(RKLLMInferParam) == 40, "RKLLMInput, RKLLMInferParam");
#else
_Static_assert(sizeof(RKLLMParam) == 208 && offsetof(RKLLMParam, extend_param) == 88, "RKLLMParam");
_Static_assert(sizeof(RKLLMInput) == 64 && sizeof(RKLLMInferParam) == 32, "RKLLMInput, RKLLMInferParam");
#endif

#endif
