/*
 * A stand-in for librkllmrt with its symbols, layouts and rules, on an ordinary machine.
 *
 *   RKLLM_EMULATOR_TRACE   file that gets a JSON line for each call that matters, and each rule that is broken
 *   RKLLM_EMULATOR_FAULTS  file that is read before each call, a fault a line: NAME [VALUE]
 *       init CODE | init_hang | run CODE | error | error_after N | hang | late MS | slow MS | stopped CODE | segfault | null_text | split
 *
 * `late` begins a run that much after the call: an abort before that finds nothing to stop. `stopped` is the status of an
 * aborted run.
 *
 * It answers from its own thread, as the real one does, with the words that a float32 Llama decoder gives; `split`
 * hands out the bytes of a character one by one. A multimodal prompt, whose tokens the real library makes itself, is
 * answered with what was received.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../instruments.h"
#include "llama.h"
#include "rkllm_abi.h"

#ifndef EMULATOR_VERSION
#define EMULATOR_VERSION "1.3.0"
#endif

/* As the real library prints it when it starts: tools read it from the file. */
__attribute__((used)) static const char banner[] = "I rkllm: rkllm-runtime version: " EMULATOR_VERSION ", rknpu driver version: 0.9.8";

typedef struct {
  llama *model;
  RKLLMParam param;
  LLMResultCallback callback;
  void *userdata;
  atomic_int running, abort;
  char prefix[256], postfix[256];
} instance;

typedef struct {
  instance *self;
  RKLLMInput *input;
  RKLLMInferParam *infer;
  void *userdata;
  int status, made;
} job;

static atomic_int live;

static int violation(const char *what) {
  fprintf(stderr, "E rkllm emulator: rule broken: %s\n", what);
  trace("{\"violation\":\"%s\"}", what);
  return -1;
}

RKLLMParam rkllm_createDefaultParam(void) {
  RKLLMParam param;
  memset(&param, 0, sizeof param);
  param.max_context_len = 512;
  param.max_new_tokens = 256;
  param.top_k = 40;
  param.top_p = 0.9f;
  param.temperature = 0.8f;
  param.repeat_penalty = 1.1f;
  param.mirostat_tau = 5;
  param.mirostat_eta = 0.1f;
  param.extend_param.enabled_cpus_num = 4;
  param.extend_param.enabled_cpus_mask = 0xf0;
  param.extend_param.n_batch = 1;
  return param;
}

static int open_instance(LLMHandle *handle, RKLLMParam *param, LLMResultCallback callback, void *userdata) {
  long code;
  if (fault("init", &code)) return (int)code;
  while (fault("init_hang", NULL)) usleep(20000);
  if (!callback) return violation("rkllm_init without a callback");
  if (!param->model_path) return violation("rkllm_init without a path");
  for (size_t i = 0; i < sizeof param->extend_param.reserved; i++)
    if (param->extend_param.reserved[i]) return violation("reserved bytes are not zero");
  if (param->max_context_len <= 0 || param->max_context_len % 32) return violation("max_context_len is no multiple of 32");
  instance *self = calloc(1, sizeof *self);
  if (!self) return -1;
  self->model = llama_open(param->model_path);
  if (!self->model) {
    fprintf(stderr, "E rkllm: failed to load %s\n", param->model_path);
    free(self);
    return -1;
  }
  self->param = *param;
  self->callback = callback;
  self->userdata = userdata;
  *handle = self;
  atomic_fetch_add(&live, 1);
  trace("{\"init\":\"%s\",\"top_k\":%d,\"skip_special\":%d,\"context\":%d,\"domain\":%d,\"embed_flash\":%d}", EMULATOR_VERSION,
        param->top_k, param->skip_special_token, param->max_context_len, param->extend_param.base_domain_id,
        param->extend_param.embed_flash);
  return 0;
}

#if RKLLM_ABI == 13
int rkllm_init(LLMHandle *handle, RKLLMParam *param, RKLLMCallback *callback) {
  if (!callback || callback->tokenizer_callback || callback->embed_callback) return violation("RKLLMCallback");
  return open_instance(handle, param, callback->result_callback, callback->result_userdata);
}
#else
int rkllm_init(LLMHandle *handle, RKLLMParam *param, LLMResultCallback callback) {
  return open_instance(handle, param, callback, NULL);
}
#endif

int rkllm_destroy(LLMHandle handle) {
  instance *self = handle;
  if (atomic_load(&self->running)) return violation("rkllm_destroy while it runs");
  llama_close(self->model);
  free(self);
  trace("{\"destroyed\":1,\"live\":%d}", atomic_fetch_sub(&live, 1) - 1);
  return 0;
}

/* @returns what the callback says: 0 to go on */
static int say(job *j, LLMCallState state, const char *text, int token, int tokens) {
  RKLLMResult result;
  memset(&result, 0, sizeof result);
  result.text = text;
  result.token_id = token;
  if (state == RKLLM_RUN_FINISH) {
    result.perf.prefill_time_ms = 1;
    result.perf.generate_tokens = tokens;
    result.perf.memory_usage_mb = 10;
  }
  return j->self->callback(&result, j->userdata ? j->userdata : j->self->userdata, state);
}

static int is_stop(const llama *model, int token) {
  const llama_header *about = llama_about(model);
  for (uint32_t i = 0; i < about->stop_count; i++)
    if ((int)about->stops[i] == token) return 1;
  return 0;
}

/* Complete characters at the front of some bytes. */
static size_t whole_characters(const char *bytes, size_t count) {
  size_t at = 0;
  while (at < count) {
    unsigned char lead = (unsigned char)bytes[at];
    size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (at + size > count) break;
    at += size;
  }
  return at;
}

/* @returns what the callback said, 0 to go on */
static int say_piece(job *j, int token, char *pending, size_t *count) {
  size_t length;
  const uint8_t *piece = llama_piece(j->self->model, token, &length);
  memcpy(pending + *count, piece, length);
  *count += length;
  size_t ready = fault("split", NULL) ? *count : whole_characters(pending, *count);
  if (fault("split", NULL)) {
    for (size_t i = 0; i < ready; i++) {
      char one[2] = {pending[i], 0};
      int answer = say(j, RKLLM_RUN_NORMAL, one, token, 0);
      if (answer) return answer;
    }
    *count = 0;
    return 0;
  }
  if (ready == 0) return say(j, RKLLM_RUN_WAITING, NULL, token, 0);
  char text[512];
  memcpy(text, pending, ready);
  text[ready] = 0;
  memmove(pending, pending + ready, *count - ready);
  *count -= ready;
  return say(j, RKLLM_RUN_NORMAL, fault("null_text", NULL) ? NULL : text, token, 0);
}

static void generate(job *j, const float *rows, size_t count, int most) {
  instance *self = j->self;
  char pending[600];
  size_t waiting = 0;
  long value = 0;
  llama_reset(self->model);
  int token = llama_append(self->model, rows, count), made = 0;
  for (; token >= 0 && made < most && !is_stop(self->model, token) && !atomic_load(&self->abort); made++) {
    if (fault("error_after", &value) && made >= value) break;
    if (fault("slow", &value)) usleep((useconds_t)value * 1000);
    if (say_piece(j, token, pending, &waiting)) break;
    token = llama_append(self->model, llama_embedding(self->model, token), 1);
  }
  j->made = made;
  int failed = token < 0 || fault("error", NULL) || fault("error_after", NULL);
  say(j, failed ? RKLLM_RUN_ERROR : RKLLM_RUN_FINISH, NULL, -1, made);
}

/* What was received, as text: the tokens are the library's own affair. */
static void answer_multimodal(job *j) {
  const RKLLMMultiModalInput *given = &j->input->multimodal_input;
#if RKLLM_ABI == 13
  const float *rows = given->image.image_embed;
  size_t each = given->image.n_image_tokens, images = given->image.n_image, width = given->image.image_width;
  const char *content = given->image.image_content;
#else
  const float *rows = given->image_embed;
  size_t each = given->n_image_tokens, images = given->n_image, width = given->image_width;
  const char *content = j->self->param.img_content;
#endif
  double sum = 0;
  for (size_t i = 0; rows && i < each * images * llama_about(j->self->model)->hidden; i++) sum += rows[i];
  char text[1024];
  snprintf(text, sizeof text, "%s%s%s [%zu x %zu rows of %s, sum %.3f, width %zu]", j->self->prefix, given->prompt,
           j->self->postfix, images, each, content, sum, width);
  say(j, RKLLM_RUN_NORMAL, text, 1, 0);
  say(j, RKLLM_RUN_FINISH, NULL, -1, 1);
}

static void *work(void *given) {
  job *j = given;
  long value = 0;
  if (fault("run", &value)) {
    j->status = (int)value;
    return NULL;
  }
  if (fault("segfault", NULL)) raise(11);
  while (fault("hang", NULL)) usleep(20000);
  int most = j->self->param.max_new_tokens;
#if RKLLM_ABI == 13
  if (j->infer->max_new_tokens > 0) most = j->infer->max_new_tokens;
#endif
  if (j->input->input_type == RKLLM_INPUT_EMBED)
    generate(j, j->input->embed_input.embed, j->input->embed_input.n_tokens, most);
  else if (j->input->input_type == RKLLM_INPUT_MULTIMODAL)
    answer_multimodal(j);
  else
    j->status = violation("an input that the emulator does not support");
  return NULL;
}

int rkllm_run(LLMHandle handle, RKLLMInput *input, RKLLMInferParam *infer, void *userdata) {
  instance *self = handle;
  long value = 0;
  if (fault("late", &value)) usleep((useconds_t)value * 1000);
  if (atomic_exchange(&self->running, 1)) return violation("two requests in one handle");
  if (!input->role || strcmp(input->role, "user")) violation("a role that is not user");
  if (infer->mode != 0) violation("a mode that is not generate");
  trace("{\"run\":%d,\"keep_history\":%d}", input->input_type, infer->keep_history);
  job j = {self, input, infer, userdata, 0, 0};
  pthread_t thread;
  atomic_store(&self->abort, 0);
  if (pthread_create(&thread, NULL, work, &j)) j.status = -1;
  else pthread_join(thread, NULL);
  if (atomic_load(&self->abort) && fault("stopped", &value)) j.status = (int)value;
  trace("{\"tokens\":%d}", j.made);
  atomic_store(&self->running, 0);
  return j.status;
}

int rkllm_abort(LLMHandle handle) {
  instance *self = handle;
  if (!atomic_load(&self->running)) return -1;
  atomic_store(&self->abort, 1);
  trace("{\"abort\":1}");
  return 0;
}

int rkllm_is_running(LLMHandle handle) {
  int running = atomic_load(&((instance *)handle)->running);
  return RKLLM_ABI == 13 ? running : !running;
}

int rkllm_clear_kv_cache(LLMHandle handle, int keep, int *start, int *end) {
  (void)handle, (void)keep;
  return start || end ? violation("ranges in rkllm_clear_kv_cache") : 0;
}

int rkllm_set_chat_template(LLMHandle handle, const char *system, const char *prefix, const char *postfix) {
  instance *self = handle;
  (void)system;
  snprintf(self->prefix, sizeof self->prefix, "%s", prefix);
  snprintf(self->postfix, sizeof self->postfix, "%s", postfix);
  return 0;
}

#ifndef EMULATOR_WITHOUT_TOOLS
/* Since 1.2.1; tools are no use to a picture's caption. */
int rkllm_set_function_tools(LLMHandle handle, const char *system, const char *tools, const char *tag) {
  (void)handle, (void)system, (void)tools, (void)tag;
  return violation("rkllm_set_function_tools");
}
#endif
