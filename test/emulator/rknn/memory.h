/* Memory that a caller shares with the NPU, and values as the chip's tensors hold them. */
#ifndef EMULATOR_MEMORY_H
#define EMULATOR_MEMORY_H
#include "context.h"

EMULATOR_INTERNAL int live_memories(void);

/* Copies values, rounded as the chip's fp16 tensors do. */
EMULATOR_INTERNAL void round_values(float *to, const float *from, size_t count);

/* Between a context's values and its io memory, if it has any. */
EMULATOR_INTERNAL void load_io(context *c);
EMULATOR_INTERNAL void store_io(context *c);

#endif
