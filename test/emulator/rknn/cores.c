#include "cores.h"
#include <pthread.h>
#include <stdlib.h>

enum { MAX_CORES = 3 };

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t turn;
  unsigned next, serving;
} core_queue;

static core_queue cores[MAX_CORES] = {
    {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0},
    {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0},
    {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0},
};

int core_count(void) {
  const char *value = getenv("RKNN_EMULATOR_CORES");
  int count = value ? atoi(value) : MAX_CORES;
  return count < 1 ? 1 : count > MAX_CORES ? MAX_CORES : count;
}

int take_core(int mask) {
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

void free_core(int core) {
  pthread_mutex_lock(&cores[core].mutex);
  cores[core].serving++;
  pthread_cond_broadcast(&cores[core].turn);
  pthread_mutex_unlock(&cores[core].mutex);
}
