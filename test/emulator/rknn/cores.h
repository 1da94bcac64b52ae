/* The NPU's cores, each with a queue. RKNN_EMULATOR_CORES says how many there are. */
#ifndef EMULATOR_CORES_H
#define EMULATOR_CORES_H
#include "../instruments.h"

EMULATOR_INTERNAL int core_count(void);

/* Waits for a core in the order of arrival. @returns its number */
EMULATOR_INTERNAL int take_core(int mask);
EMULATOR_INTERNAL void free_core(int core);

#endif
