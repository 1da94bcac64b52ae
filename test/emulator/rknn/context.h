/* Contexts of the emulated librknnrt, and the rules of use that every call keeps. */
#ifndef EMULATOR_CONTEXT_H
#define EMULATOR_CONTEXT_H
#include "../instruments.h"
#include "model.h"
#include "rknn_abi.h"
#include <stdatomic.h>
#include <stdint.h>

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

/* A rule of ours: the vendor's library accepts it, or is not known to refuse it. @returns code */
EMULATOR_INTERNAL int violation(int code, const char *what);

/* A rule of the vendor's: its library returns the code as well. */
EMULATOR_INTERNAL int refusal(int code, const char *what);

/* Finds a context and enters it: one thread at a time. NULL where that is not possible. */
EMULATOR_INTERNAL context *enter(rknn_context id);
EMULATOR_INTERNAL int leave(context *c, int code);

/* A model from its bytes or its file; NULL for bytes that are not a model, or too few. */
EMULATOR_INTERNAL model *copy_model(const char *bytes, size_t size);
EMULATOR_INTERNAL model *read_model(const char *path);

EMULATOR_INTERNAL int add_context(model *m, atomic_int *users, uint32_t flags, rknn_context *out);
EMULATOR_INTERNAL void remove_context(rknn_context id, context *c);

/* The only input or output of a context's model. */
EMULATOR_INTERNAL void describe(const context *c, int output, rknn_tensor_attr *attr);

#endif
