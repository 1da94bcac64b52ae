#define _GNU_SOURCE
#include "memory.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_int live_mems;

int live_memories(void) { return atomic_load(&live_mems); }

static int exact(void) {
  const char *value = getenv("RKNN_EMULATOR_EXACT");
  return value && *value == '1';
}

void round_values(float *to, const float *from, size_t count) {
  if (exact()) memmove(to, from, count * sizeof *to);
  else
    for (size_t i = 0; i < count; i++) to[i] = half_to_float(float_to_half(from[i]));
}

/* Where the NPU finds a tensor. */
static void *data_of(const rknn_tensor_mem *memory) { return (char *)memory->virt_addr + memory->offset; }

void load_io(context *c) {
  if (!c->io[0]) return;
  const char *at = data_of(c->io[0]);
  size_t n = model_input_elements(&c->stage->header);
  if (c->io_type[0] != TYPE_FLOAT16) round_values(c->input, (const float *)at, n);
  else
    for (size_t i = 0; i < n; i++) c->input[i] = half_to_float(((const uint16_t *)at)[i]);
}

void store_io(context *c) {
  if (!c->io[1]) return;
  char *at = data_of(c->io[1]);
  size_t n = model_output_elements(&c->stage->header);
  for (size_t i = 0; i < n; i++) {
    if (c->io_type[1] == TYPE_FLOAT16) ((uint16_t *)at)[i] = float_to_half(c->output[i]);
    else ((float *)at)[i] = c->output[i];
  }
  if (fault("io_wrong", NULL)) memset(at, 0x3c, n);
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
