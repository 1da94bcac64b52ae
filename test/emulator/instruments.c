#include "instruments.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

atomic_long runs;
static pthread_mutex_t trace_mutex = PTHREAD_MUTEX_INITIALIZER;

void trace(const char *format, ...) {
  const char *path = getenv(EMULATOR_NAME "_EMULATOR_TRACE");
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

int fault(const char *name, long *value) {
  const char *path = getenv(EMULATOR_NAME "_EMULATOR_FAULTS");
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
