/*
 * Stands in for librknnrt.so where there is no NPU: the same symbols, structures and rules of use. A stage is computed on
 * the CPU ("compute"), or passed through in its modelled time ("timed"). What it returns is what 1.2 to 1.4 return where that
 * was observed. Two kinds of rules: breaking the vendor's gives the vendor's error or crash; breaking ours succeeds, or the
 * vendor's behaviour is not known; the trace names both, so that our own code keeps both. Environment:
 *   RKNN_EMULATOR         compute (default) | timed
 *   RKNN_EMULATOR_CORES   NPU cores, 3 by default
 *   RKNN_EMULATOR_EXACT   1: float32 throughout; else tensors are rounded through fp16 as on the chip
 *   RKNN_EMULATOR_TRACE   file for one JSON line an event: runs with core and times, broken rules, live objects
 *   RKNN_EMULATOR_FAULTS  file that is read before each call, a fault a line: NAME [VALUE [FROM_RUN]]
 *       init CODE | init_hang | run CODE | slow MS | hang (both: as long as the line is there) | nan | wrong | segfault | leak BYTES | no_native | io_wrong | old_compiler
 */
#define _GNU_SOURCE
#include "context.h"
#include "cores.h"
#include "memory.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef EMULATOR_VERSION
#define EMULATOR_VERSION "2.5.0"
#endif
#ifndef EMULATOR_DRIVER
#define EMULATOR_DRIVER "0.9.8"
#endif

/* What strings(1) finds in the vendor's library. */
__attribute__((used)) static const char version_text[] = "librknnrt version: " EMULATOR_VERSION " (emulator@2026-11-24T00:00:00)";

static int timed(void) {
  const char *mode = getenv("RKNN_EMULATOR");
  return mode && strcmp(mode, "timed") == 0;
}

int rknn_init(rknn_context *ctx, void *given, uint32_t size, uint32_t flag, rknn_init_extend *extend) {
  long code;
  if (fault("init", &code)) return (int)code;
  while (fault("init_hang", NULL)) usleep(20000);
  if (extend)
    for (size_t i = 0; i < sizeof extend->reserved; i++)
      if (extend->reserved[i]) return violation(RKNN_PARAM_INVALID, "reserved bytes of rknn_init_extend are not zero");
  if (!(flag & FLAG_DISABLE_PROC_HIGH_PRIORITY)) violation(0, "the process would be reniced to -19 (flag 0x2000)");
  if ((flag & 3) == 3) return violation(RKNN_PARAM_INVALID, "priority level 3");
  /* size 0: a path; else the model's bytes, which are copied. */
  model *m = size ? copy_model(given, size) : read_model(given);
  if (!m) {
    fprintf(stderr, "E RKNN: failed to load model %s\n", size ? "from memory" : (const char *)given);
    return RKNN_FAIL;
  }
  return add_context(m, calloc(1, sizeof(atomic_int)), flag, ctx);
}

int rknn_dup_context(rknn_context *from, rknn_context *to) {
  context *c = enter(*from);
  if (!c) return RKNN_CTX_INVALID;
  return leave(c, add_context(c->stage, c->users, c->flags, to));
}

int rknn_destroy(rknn_context id) {
  context *c = enter(id);
  /* The vendor's library crashes for a handle that was destroyed or made up. */
  if (!c) return raise(SIGSEGV);
  if (c->owed) violation(0, "rknn_outputs_release was owed when the context was destroyed");
  remove_context(id, c);
  trace("{\"destroyed\":%lu,\"memories\":%d}", (unsigned long)id, live_memories());
  return RKNN_SUCC;
}

int rknn_query(rknn_context id, int command, void *info, uint32_t size) {
  static const struct { int command; uint32_t size; } sizes[] = {
      {CMD_IN_OUT_NUM, sizeof(rknn_input_output_num)}, {CMD_INPUT_ATTR, sizeof(rknn_tensor_attr)},
      {CMD_OUTPUT_ATTR, sizeof(rknn_tensor_attr)},     {CMD_PERF_RUN, sizeof(rknn_perf_run)},
      {CMD_SDK_VERSION, sizeof(rknn_sdk_version)},     {CMD_MEM_SIZE, sizeof(rknn_mem_size)},
      {CMD_NATIVE_INPUT_ATTR, sizeof(rknn_tensor_attr)}, {CMD_NATIVE_OUTPUT_ATTR, sizeof(rknn_tensor_attr)}};
  uint32_t expected = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (sizes[i].command == command) expected = sizes[i].size;
  if (expected == 0) return RKNN_PARAM_INVALID;
  if (size < expected) return refusal(RKNN_PARAM_INVALID, "a query with less than its structure");
  if (size > expected) violation(0, "a query with more than its structure");
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  if (command == CMD_IN_OUT_NUM) *(rknn_input_output_num *)info = (rknn_input_output_num){1, 1};
  if (command == CMD_PERF_RUN) ((rknn_perf_run *)info)->run_duration = c->last_us;
  if (command == CMD_SDK_VERSION) {
    rknn_sdk_version *version = info;
    memset(version, 0, sizeof *version);
    strcpy(version->api_version, EMULATOR_VERSION " (emulator@2026-11-24T00:00:00)");
    strcpy(version->drv_version, EMULATOR_DRIVER);
  }
  if (command == CMD_MEM_SIZE) {
    rknn_mem_size *memory = info;
    memset(memory, 0, sizeof *memory);
    memory->total_weight_size = (uint32_t)(c->stage->weight_count * 2);
    memory->total_internal_size = (uint32_t)(model_input_elements(&c->stage->header) * 4);
    memory->total_dma_allocated_size = memory->total_weight_size + (uint64_t)memory->total_internal_size;
  }
  if (command == CMD_INPUT_ATTR || command == CMD_OUTPUT_ATTR || command == CMD_NATIVE_INPUT_ATTR ||
      command == CMD_NATIVE_OUTPUT_ATTR) {
    rknn_tensor_attr *attr = info;
    int native = command == CMD_NATIVE_INPUT_ATTR || command == CMD_NATIVE_OUTPUT_ATTR;
    if (attr->index != 0) return leave(c, refusal(RKNN_PARAM_INVALID, "index of a tensor"));
    if (native && fault("no_native", NULL)) return leave(c, RKNN_FAIL);
    describe(c, command == CMD_OUTPUT_ATTR || command == CMD_NATIVE_OUTPUT_ATTR, attr);
  }
  return leave(c, RKNN_SUCC);
}

int rknn_set_core_mask(rknn_context id, int mask) {
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  int all = (1 << core_count()) - 1;
  /* 1.4 refuses several cores for a model of an older compiler (observed with 3, 5 and 7; its code was not recorded). */
  int several = mask != 0xffff && (mask & (mask - 1)) != 0;
  if (several && fault("old_compiler", NULL))
    return leave(c, refusal(RKNN_PARAM_INVALID, "several cores for a model of an older compiler"));
  /* rknn_core_mask has no 5 and no 6. */
  int known = mask == 0 || mask == 0xffff || mask == 1 || mask == 2 || mask == 4 || mask == 3 || mask == 7;
  if (!known || (mask != 0xffff && (mask & ~all))) return leave(c, RKNN_PARAM_INVALID);
  c->mask = mask;
  return leave(c, RKNN_SUCC);
}

int rknn_set_batch_core_num(rknn_context id, int count) {
  (void)id;
  (void)count;
  return RKNN_PARAM_INVALID;
}

int rknn_inputs_set(rknn_context id, uint32_t count, rknn_input *inputs) {
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  rknn_tensor_attr attr = {0};
  describe(c, 0, &attr);
  if (count != 1 || inputs[0].index != 0) return leave(c, violation(RKNN_INPUT_INVALID, "one input, of index 0"));
  if (c->io[0]) return leave(c, violation(RKNN_INPUT_INVALID, "inputs_set on a context with io memory"));
  rknn_input in = inputs[0];
  if (in.fmt != attr.fmt) return leave(c, violation(RKNN_INPUT_INVALID, "format of the input"));
  if (in.pass_through) return leave(c, violation(RKNN_INPUT_INVALID, "pass_through with inputs_set"));
  uint32_t bytes = attr.n_elems * (in.type == TYPE_FLOAT32 ? 4 : 1);
  if (in.type != TYPE_FLOAT32 && !(in.type == TYPE_UINT8 && attr.type == TYPE_UINT8))
    return leave(c, violation(RKNN_INPUT_INVALID, "type of the input"));
  if (in.size != bytes) return leave(c, violation(RKNN_INPUT_INVALID, "size of the input"));
  if (in.type == TYPE_FLOAT32) round_values(c->input, in.buf, attr.n_elems);
  else
    for (uint32_t i = 0; i < attr.n_elems; i++) c->input[i] = ((const uint8_t *)in.buf)[i];
  c->has_input = 1;
  return leave(c, RKNN_SUCC);
}

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_us(long us) {
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&t, NULL);
}

int rknn_run(rknn_context id, rknn_run_extend *extend) {
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  /* rknn-toolkit-lite2 gives one, of zeros. */
  if (extend && extend->non_block) violation(0, "rknn_run that does not block");
  if (!c->has_input && !c->io[0]) violation(0, "rknn_run without an input");
  if ((c->flags & FLAG_INTERNAL_ALLOC_OUTSIDE) && !c->internal)
    return leave(c, violation(RKNN_FAIL, "rknn_run without the scratch memory the flags promise"));
  long value = 0;
  atomic_fetch_add(&runs, 1);
  if (fault("segfault", NULL)) raise(11);
  if (fault("run", &value)) return leave(c, (int)value);
  if (fault("leak", &value)) {
    void *lost = malloc((size_t)value);
    if (lost) memset(lost, 1, (size_t)value);
  }
  if (fault("hang", NULL)) trace("{\"hung\":\"%s\"}", c->stage->header.name);
  while (fault("hang", NULL)) usleep(20000);
  int core = take_core(c->mask);
  int64_t start = now_us();
  if (fault("slow", &value)) sleep_us(value * 1000);
  load_io(c);
  size_t n = model_output_elements(&c->stage->header);
  int code = RKNN_SUCC;
  if (timed()) {
    sleep_us(c->stage->header.duration_us);
    for (size_t i = 0, inputs = model_input_elements(&c->stage->header); i < n; i++) c->output[i] = c->input[i % inputs];
  } else if (model_run(c->stage, c->input, c->output)) {
    code = -4;
  }
  round_values(c->output, c->output, n);
  if (fault("nan", NULL)) c->output[n / 2] = 0.0f / 0.0f;
  if (fault("wrong", NULL)) for (size_t i = 0; i < n; i++) c->output[i] = c->output[i] * -0.5f + 1;
  store_io(c);
  int64_t end = now_us();
  free_core(core);
  c->last_us = end - start;
  c->has_output = 1;
  trace("{\"context\":%lu,\"stage\":\"%.32s\",\"mask\":%d,\"core\":%d,\"start\":%ld,\"end\":%ld}", (unsigned long)id,
        c->stage->header.name, c->mask, core, (long)start, (long)end);
  return leave(c, code);
}

int rknn_wait(rknn_context id, rknn_run_extend *extend) {
  (void)id;
  (void)extend;
  return violation(RKNN_FAIL, "rknn_wait is supported on no platform");
}

int rknn_outputs_get(rknn_context id, uint32_t count, rknn_output *outputs, rknn_output_extend *extend) {
  (void)extend;
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  size_t n = model_output_elements(&c->stage->header);
  if (count != 1 || outputs[0].index != 0) return leave(c, violation(RKNN_OUTPUT_INVALID, "one output, of index 0"));
  if (!c->has_output) violation(0, "rknn_outputs_get before a run");
  if (c->owed) violation(0, "rknn_outputs_release is owed");
  uint32_t bytes = (uint32_t)(n * (outputs[0].want_float ? 4 : 2));
  if (!outputs[0].is_prealloc) {
    outputs[0].buf = malloc(bytes);
    outputs[0].size = bytes;
  } else if (outputs[0].size < bytes) {
    return leave(c, violation(RKNN_OUTPUT_INVALID, "size of the output"));
  }
  for (size_t i = 0; i < n; i++) {
    if (outputs[0].want_float) ((float *)outputs[0].buf)[i] = c->output[i];
    else ((uint16_t *)outputs[0].buf)[i] = float_to_half(c->output[i]);
  }
  c->owed++;
  return leave(c, RKNN_SUCC);
}

int rknn_outputs_release(rknn_context id, uint32_t count, rknn_output *outputs) {
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  if (count != 1 || !c->owed) return leave(c, violation(RKNN_OUTPUT_INVALID, "rknn_outputs_release of what was not given"));
  if (!outputs[0].is_prealloc) free(outputs[0].buf);
  c->owed--;
  return leave(c, RKNN_SUCC);
}

/* For models of several shapes, which the emulator does not have. rknn-toolkit-lite2 2.5.0 looks the symbol up. */
int rknn_set_input_shapes(rknn_context id, uint32_t count, rknn_tensor_attr *attributes) {
  (void)id, (void)count, (void)attributes;
  return RKNN_PARAM_INVALID;
}


