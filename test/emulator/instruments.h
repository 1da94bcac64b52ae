/* What the emulators of both libraries have for tests: a trace of what happens, and faults that a test asks for. */
#ifndef EMULATOR_INSTRUMENTS_H
#define EMULATOR_INSTRUMENTS_H
#include <stdatomic.h>

/* Both libraries may be loaded in one process. */
#define EMULATOR_INTERNAL __attribute__((visibility("hidden")))

/* Runs so far; a fault may begin with a later one. */
extern EMULATOR_INTERNAL atomic_long runs;

/* Appends a line of JSON to the file that EMULATOR_NAME_EMULATOR_TRACE names. */
EMULATOR_INTERNAL __attribute__((format(printf, 1, 2))) void trace(const char *format, ...);

/* Value of a fault that is due now, from the file that EMULATOR_NAME_EMULATOR_FAULTS names; 0 when there is none. */
EMULATOR_INTERNAL int fault(const char *name, long *value);

#endif
