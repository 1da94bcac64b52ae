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
#include "model.h"
#include "rknn_abi.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef EMULATOR_VERSION
#define EMULATOR_VERSION "2.5.0"
#endif
#ifndef EMULATOR_DRIVER
#define EMULATOR_DRIVER "0.9.8"
#endif

enum { MAX_CONTEXTS = 4096, MAX_CORES = 3 };

/* What strings(1) finds in the vendor's library. */
__attribute__((used)) static const char version_text[] = "librknnrt version: " EMULATOR_VERSION " (emulator@2026-11-24T00:00:00)";

typedef struct {
  model *stage;
  atomic_int *users;
  uint32_t flags;
  int mask;
  atomic_int busy;
  float *input, *output;
  int has_input, has_output, owed;
  rknn_tensor_mem *io[2], *internal;
  int io_type[2];
  int64_t last_us;
} context;

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t turn;
  unsigned next, serving;
} core_queue;

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER, trace_mutex = PTHREAD_MUTEX_INITIALIZER;
static context *contexts[MAX_CONTEXTS];
static rknn_context last_id;
static core_queue cores[MAX_CORES] = {
    {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0},
    {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0},
    {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0},
};
static atomic_long runs;
static atomic_int live_mems;

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

__attribute__((format(printf, 1, 2))) static void trace(const char *format, ...) {
  const char *path = getenv("RKNN_EMULATOR_TRACE");
  if (!path) return;
  pthread_mutex_lock(&trace_mutex);
  FILE *file = fopen(path, "a");
  if (file) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fputc('\n', file);
    fclose(file);
  }
  pthread_mutex_unlock(&trace_mutex);
}

static int broken(const char *whose, int code, const char *what) {
  fprintf(stderr, "E RKNN emulator: %s rule broken: %s\n", whose, what);
  trace("{\"violation\":\"%s\",\"rule\":\"%s\"}", what, whose);
  return code;
}

/* A rule of ours: the vendor's library accepts it, or is not known to refuse it. */
static int violation(int code, const char *what) { return broken("ours", code, what); }

/* A rule of the vendor's: its library returns the code as well. */
static int refusal(int code, const char *what) { return broken("vendor", code, what); }

/* Value of a fault that is due now; 0 when there is none. */
static int fault(const char *name, long *value) {
  const char *path = getenv("RKNN_EMULATOR_FAULTS");
  struct stat about;
  /* Without faults the file is an empty line; a test of leaks comes by here some hundred thousand times. */
  if (!path || stat(path, &about) || about.st_size <= 1) return 0;
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  char line[128], found[32];
  int due = 0;
  while (!due && fgets(line, sizeof line, file)) {
    long given = 0, from = 0;
    int fields = sscanf(line, "%31s %ld %ld", found, &given, &from);
    due = fields >= 1 && strcmp(found, name) == 0 && atomic_load(&runs) >= from;
    if (due && value) *value = given;
  }
  fclose(file);
  return due;
}

static int timed(void) {
  const char *mode = getenv("RKNN_EMULATOR");
  return mode && strcmp(mode, "timed") == 0;
}

static int exact(void) {
  const char *value = getenv("RKNN_EMULATOR_EXACT");
  return value && *value == '1';
}

static int core_count(void) {
  const char *value = getenv("RKNN_EMULATOR_CORES");
  int count = value ? atoi(value) : MAX_CORES;
  return count < 1 ? 1 : count > MAX_CORES ? MAX_CORES : count;
}

/* Finds a context and enters it: one thread at a time. */
static context *enter(rknn_context id) {
  pthread_mutex_lock(&table_mutex);
  context *found = id < MAX_CONTEXTS ? contexts[id] : NULL;
  pthread_mutex_unlock(&table_mutex);
  if (!found) {
    violation(0, "a context that does not exist, or not any more");
    return NULL;
  }
  if (atomic_exchange(&found->busy, 1)) {
    violation(0, "two threads in one context");
    return NULL;
  }
  return found;
}

static int leave(context *c, int code) {
  atomic_store(&c->busy, 0);
  return code;
}

static void free_model(model *m) {
  if (m) free(m->weights);
  free(m);
}

/* A copy of a model's bytes; NULL for bytes that are not a model, or too few. */
static model *copy_model(const char *bytes, size_t size) {
  model *m = calloc(1, sizeof *m);
  if (!m || size < sizeof m->header) return free(m), NULL;
  memcpy(&m->header, bytes, sizeof m->header);
  m->weight_count = memcmp(m->header.magic, "RKNNEMU1", 8) ? SIZE_MAX : model_weights(&m->header);
  if (m->weight_count > (size - sizeof m->header) / sizeof(float)) return free(m), NULL;
  m->weights = malloc(m->weight_count * sizeof(float) + 1);
  if (!m->weights) return free(m), NULL;
  memcpy(m->weights, bytes + sizeof m->header, m->weight_count * sizeof(float));
  return m;
}

static model *read_model(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat about;
  if (fd < 0) return NULL;
  size_t size = fstat(fd, &about) ? 0 : (size_t)about.st_size;
  void *bytes = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  close(fd);
  if (bytes == MAP_FAILED) return NULL;
  model *m = copy_model(bytes, size);
  munmap(bytes, size);
  return m;
}

static int add_context(model *m, atomic_int *users, uint32_t flags, rknn_context *out) {
  context *c = calloc(1, sizeof *c);
  if (!c) return -4;
  c->stage = m;
  c->users = users;
  c->flags = flags;
  c->input = calloc(model_input_elements(&m->header), sizeof(float));
  c->output = calloc(model_output_elements(&m->header), sizeof(float));
  pthread_mutex_lock(&table_mutex);
  *out = ++last_id;
  if (*out < MAX_CONTEXTS) contexts[*out] = c;
  pthread_mutex_unlock(&table_mutex);
  if (*out >= MAX_CONTEXTS) abort();
  atomic_fetch_add(users, 1);
  return RKNN_SUCC;
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
  pthread_mutex_lock(&table_mutex);
  contexts[id] = NULL;
  pthread_mutex_unlock(&table_mutex);
  if (atomic_fetch_sub(c->users, 1) == 1) {
    free_model(c->stage);
    free(c->users);
  }
  free(c->input);
  free(c->output);
  free(c);
  trace("{\"destroyed\":%lu,\"memories\":%d}", (unsigned long)id, atomic_load(&live_mems));
  return RKNN_SUCC;
}

static void describe(const context *c, int output, rknn_tensor_attr *attr) {
  const model_header *m = &c->stage->header;
  uint32_t index = attr->index;
  memset(attr, 0, sizeof *attr);
  attr->index = index;
  strcpy(attr->name, output ? "out" : "in");
  if (m->kind == KIND_TOWER && !output) {
    uint32_t dims[4] = {1, m->image_size, m->image_size, 3};
    attr->n_dims = 4;
    memcpy(attr->dims, dims, sizeof dims);
    attr->fmt = FMT_NHWC;
    attr->type = TYPE_UINT8;
  } else {
    attr->n_dims = 3;
    attr->dims[0] = 1;
    attr->dims[1] = m->kind == KIND_TOWER ? m->tokens / (m->scale_factor * m->scale_factor) : m->tokens;
    attr->dims[2] = m->kind == KIND_TOWER ? m->text_width : m->hidden;
    attr->fmt = FMT_UNDEFINED;
    attr->type = TYPE_FLOAT16;
  }
  attr->n_elems = (uint32_t)(output ? model_output_elements(m) : model_input_elements(m));
  attr->size = attr->n_elems * (attr->type == TYPE_UINT8 ? 1 : 2);
  attr->size_with_stride = attr->size;
  attr->scale = 1;
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

/* Copies values, rounded as the chip's fp16 tensors do. */
static void round_values(float *to, const float *from, size_t count) {
  if (exact()) memmove(to, from, count * sizeof *to);
  else
    for (size_t i = 0; i < count; i++) to[i] = half_to_float(float_to_half(from[i]));
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

/* Waits for a core in the order of arrival. */
static int take_core(int mask) {
  int count = core_count(), chosen = 0;
  if (mask == 0 || mask == 0xffff) {
    unsigned shortest = ~0u;
    for (int i = 0; i < count; i++) {
      pthread_mutex_lock(&cores[i].mutex);
      unsigned waiting = cores[i].next - cores[i].serving;
      pthread_mutex_unlock(&cores[i].mutex);
      if (waiting < shortest) shortest = waiting, chosen = i;
    }
  } else {
    while (!(mask >> chosen & 1)) chosen++;
  }
  core_queue *queue = &cores[chosen];
  pthread_mutex_lock(&queue->mutex);
  unsigned ticket = queue->next++;
  while (queue->serving != ticket) pthread_cond_wait(&queue->turn, &queue->mutex);
  pthread_mutex_unlock(&queue->mutex);
  return chosen;
}

static void free_core(int core) {
  pthread_mutex_lock(&cores[core].mutex);
  cores[core].serving++;
  pthread_cond_broadcast(&cores[core].turn);
  pthread_mutex_unlock(&cores[core].mutex);
}

static void sleep_us(long us) {
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&t, NULL);
}

/* Where the NPU finds a tensor. */
static void *data_of(const rknn_tensor_mem *memory) { return (char *)memory->virt_addr + memory->offset; }

static void load_io(context *c) {
  if (!c->io[0]) return;
  const char *at = data_of(c->io[0]);
  size_t n = model_input_elements(&c->stage->header);
  if (c->io_type[0] != TYPE_FLOAT16) round_values(c->input, (const float *)at, n);
  else
    for (size_t i = 0; i < n; i++) c->input[i] = half_to_float(((const uint16_t *)at)[i]);
}

static void store_io(context *c) {
  if (!c->io[1]) return;
  char *at = data_of(c->io[1]);
  size_t n = model_output_elements(&c->stage->header);
  for (size_t i = 0; i < n; i++) {
    if (c->io_type[1] == TYPE_FLOAT16) ((uint16_t *)at)[i] = float_to_half(c->output[i]);
    else ((float *)at)[i] = c->output[i];
  }
  if (fault("io_wrong", NULL)) memset(at, 0x3c, n);
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

enum { MEM_ALLOC_INSIDE = 1, MEM_FROM_FD = 2 };

static rknn_tensor_mem *add_memory(void *at, int fd, uint32_t size, int32_t offset, uint32_t flags) {
  rknn_tensor_mem *memory = calloc(1, sizeof *memory);
  if (!memory) return NULL;
  *memory = (rknn_tensor_mem){at, 0, fd, offset, size, flags, NULL};
  atomic_fetch_add(&live_mems, 1);
  return memory;
}


rknn_tensor_mem *rknn_create_mem2(rknn_context id, uint64_t size, uint64_t flags) {
  (void)flags;
  context *c = enter(id);
  if (!c) return NULL;
  int fd = memfd_create("rknn", MFD_CLOEXEC);
  void *at = fd < 0 || ftruncate(fd, (off_t)size) ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  rknn_tensor_mem *memory = at == MAP_FAILED ? NULL : add_memory(at, fd, (uint32_t)size, 0, MEM_ALLOC_INSIDE);
  if (!memory && at != MAP_FAILED) munmap(at, size);
  if (!memory && fd >= 0) close(fd);
  leave(c, 0);
  return memory;
}

rknn_tensor_mem *rknn_create_mem(rknn_context id, uint32_t size) { return rknn_create_mem2(id, size, 0); }

rknn_tensor_mem *rknn_create_mem_from_fd(rknn_context id, int32_t fd, void *address, uint32_t size, int32_t offset) {
  context *c = enter(id);
  if (!c) return NULL;
  /* The caller's mapping is used as it is; the address is that of its start. */
  if (!address) violation(0, "rknn_create_mem_from_fd without an address");
  rknn_tensor_mem *memory = add_memory(address, fd, size, offset, MEM_FROM_FD);
  leave(c, 0);
  return memory;
}

rknn_tensor_mem *rknn_create_mem_from_phys(rknn_context id, uint64_t address, void *at, uint32_t size) {
  (void)id, (void)address, (void)at, (void)size;
  return NULL;
}

int rknn_destroy_mem(rknn_context id, rknn_tensor_mem *memory) {
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  if (!memory) return leave(c, violation(RKNN_PARAM_INVALID, "rknn_destroy_mem of nothing"));
  if (memory->flags == MEM_ALLOC_INSIDE) {
    munmap(memory->virt_addr, memory->size);
    close(memory->fd);
  }
  free(memory);
  atomic_fetch_sub(&live_mems, 1);
  return leave(c, RKNN_SUCC);
}

/* For models of several shapes, which the emulator does not have. rknn-toolkit-lite2 2.5.0 looks the symbol up. */
int rknn_set_input_shapes(rknn_context id, uint32_t count, rknn_tensor_attr *attributes) {
  (void)id, (void)count, (void)attributes;
  return RKNN_PARAM_INVALID;
}

int rknn_set_weight_mem(rknn_context id, rknn_tensor_mem *memory) {
  (void)id;
  (void)memory;
  return RKNN_PARAM_INVALID;
}

int rknn_set_internal_mem(rknn_context id, rknn_tensor_mem *memory) {
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  if (memory->size < model_input_elements(&c->stage->header) * 4)
    return leave(c, violation(RKNN_PARAM_INVALID, "size of the scratch memory"));
  c->internal = memory;
  return leave(c, RKNN_SUCC);
}

int rknn_set_io_mem(rknn_context id, rknn_tensor_mem *memory, rknn_tensor_attr *attr) {
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  int output = strcmp(attr->name, "out") == 0;
  rknn_tensor_attr own = {0};
  describe(c, output, &own);
  if (attr->type != TYPE_FLOAT16 && attr->type != TYPE_FLOAT32)
    return leave(c, violation(RKNN_PARAM_INVALID, "type of io memory"));
  if (memory->size < own.n_elems * (attr->type == TYPE_FLOAT16 ? 2 : 4))
    return leave(c, violation(RKNN_PARAM_INVALID, "size of io memory"));
  c->io[output] = memory;
  c->io_type[output] = attr->type;
  return leave(c, RKNN_SUCC);
}

int rknn_mem_sync(rknn_context id, rknn_tensor_mem *memory, int mode) {
  context *c = enter(id);
  if (!c) return RKNN_CTX_INVALID;
  int known = memory && mode >= 1 && mode <= 3;
  return leave(c, known ? RKNN_SUCC : violation(RKNN_PARAM_INVALID, "rknn_mem_sync"));
}
