#define _GNU_SOURCE
#include "context.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_CONTEXTS = 4096 };

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static context *contexts[MAX_CONTEXTS];
static rknn_context last_id;

static int broken(const char *whose, int code, const char *what) {
  fprintf(stderr, "E RKNN emulator: %s rule broken: %s\n", whose, what);
  trace("{\"violation\":\"%s\",\"rule\":\"%s\"}", what, whose);
  return code;
}

int violation(int code, const char *what) { return broken("ours", code, what); }

int refusal(int code, const char *what) { return broken("vendor", code, what); }

context *enter(rknn_context id) {
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

int leave(context *c, int code) {
  atomic_store(&c->busy, 0);
  return code;
}

static void free_model(model *m) {
  if (m) free(m->weights);
  free(m);
}

model *copy_model(const char *bytes, size_t size) {
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

model *read_model(const char *path) {
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

int add_context(model *m, atomic_int *users, uint32_t flags, rknn_context *out) {
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

void remove_context(rknn_context id, context *c) {
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
}

void describe(const context *c, int output, rknn_tensor_attr *attr) {
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
