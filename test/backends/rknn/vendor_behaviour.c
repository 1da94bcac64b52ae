/* Prints what a librknnrt returns where the vendor's 1.2 to 1.4 was observed. usage: vendor_behaviour MODEL DAMAGED ABSENT */
#define _GNU_SOURCE
#include "rknn_abi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int rknn_init(rknn_context *, void *, uint32_t, uint32_t, rknn_init_extend *);
int rknn_destroy(rknn_context);
int rknn_query(rknn_context, int, void *, uint32_t);
int rknn_set_core_mask(rknn_context, int);
int rknn_run(rknn_context, rknn_run_extend *);
int rknn_inputs_set(rknn_context, uint32_t, rknn_input *);
int rknn_outputs_get(rknn_context, uint32_t, rknn_output *, rknn_output_extend *);
int rknn_outputs_release(rknn_context, uint32_t, rknn_output *);
int rknn_set_input_shapes(rknn_context, uint32_t, rknn_tensor_attr *);
rknn_tensor_mem *rknn_create_mem_from_fd(rknn_context, int32_t, void *, uint32_t, int32_t);
int rknn_set_io_mem(rknn_context, rknn_tensor_mem *, rknn_tensor_attr *);
int rknn_destroy_mem(rknn_context, rknn_tensor_mem *);

enum { FLAGS = FLAG_DISABLE_PROC_HIGH_PRIORITY };

static void say(const char *what, int code) {
  printf("%s: %d\n", what, code);
  fflush(stdout);
}

static void *read_file(const char *path, uint32_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) exit(2);
  fseek(file, 0, SEEK_END);
  *size = (uint32_t)ftell(file);
  rewind(file);
  void *bytes = malloc(*size);
  if (fread(bytes, 1, *size, file) != *size) exit(2);
  fclose(file);
  return bytes;
}

static rknn_context open_model(char *path) {
  rknn_context context = 0;
  if (rknn_init(&context, path, 0, FLAGS, NULL)) exit(3);
  return context;
}

/* The signal that ends a process which destroys a context. */
static int destroy_signal(char *path, int twice) {
  pid_t child = fork();
  if (child == 0) {
    rknn_context context = open_model(path);
    if (twice) rknn_destroy(context);
    rknn_destroy(twice ? context : 12345);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void initialise(char *model, char *damaged, char *absent) {
  rknn_context context;
  uint32_t size;
  say("init of a file", rknn_init(&context, model, 0, FLAGS, NULL));
  say("init of no file", rknn_init(&context, absent, 0, FLAGS, NULL));
  say("init of a damaged file", rknn_init(&context, damaged, 0, FLAGS, NULL));
  char *bytes = read_file(model, &size);
  char *copy = memcpy(malloc(size), bytes, size);
  say("init of bytes", rknn_init(&context, copy, size, FLAGS, NULL));
  /* The caller may free them. */
  memset(copy, 0xff, size);
  free(copy);
  say("init of too few bytes", rknn_init(&context, bytes, 20, FLAGS, NULL));
  bytes[7] = '6';
  say("init of a newer toolkit's bytes", rknn_init(&context, bytes, size, FLAGS, NULL));
  free(bytes);
}

static void query(rknn_context context) {
  struct { rknn_tensor_attr attr; char more[64]; } large;
  memset(&large, 0, sizeof large);
  say("query with less than the structure", rknn_query(context, CMD_INPUT_ATTR, &large, sizeof large.attr - 1));
  say("query with the structure", rknn_query(context, CMD_INPUT_ATTR, &large, sizeof large.attr));
  say("query with more than the structure", rknn_query(context, CMD_INPUT_ATTR, &large, sizeof large));
  large.attr.index = 7;
  say("query of an index out of range", rknn_query(context, CMD_INPUT_ATTR, &large, sizeof large.attr));
  say("query of an unknown command", rknn_query(context, 99, &large, sizeof large.attr));
  for (int mask = 1; mask <= 7; mask++) {
    char what[32];
    snprintf(what, sizeof what, "core mask %d", mask);
    if (mask != 6) say(what, rknn_set_core_mask(context, mask));
  }
}

static void run(rknn_context context) {
  rknn_output output = {.want_float = 1};
  say("run without inputs", rknn_run(context, NULL));
  rknn_run_extend extend = {0};
  say("run with an extend", rknn_run(context, &extend));
  say("get", rknn_outputs_get(context, 1, &output, NULL));
  rknn_output second = {.want_float = 1};
  say("get twice", rknn_outputs_get(context, 1, &second, NULL));
  rknn_outputs_release(context, 1, &output);
  rknn_outputs_release(context, 1, &second);
  rknn_tensor_attr shape = {0};
  (void)rknn_set_input_shapes(context, 1, &shape);
}

/* Input and output in the caller's own mapping, behind an offset: the model returns its input. */
static void from_fd(rknn_context context) {
  rknn_tensor_attr in = {0}, out = {0};
  rknn_query(context, CMD_INPUT_ATTR, &in, sizeof in);
  rknn_query(context, CMD_OUTPUT_ATTR, &out, sizeof out);
  in.type = out.type = TYPE_FLOAT32;
  uint32_t size = in.n_elems * 4;
  int fd = memfd_create("shared", 0);
  if (ftruncate(fd, 2 * (off_t)size)) exit(2);
  char *mapping = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  rknn_tensor_mem *input = rknn_create_mem_from_fd(context, fd, mapping, size, 0);
  rknn_tensor_mem *output = rknn_create_mem_from_fd(context, fd, mapping, size, (int32_t)size);
  say("the address is kept", input->virt_addr == mapping && output->virt_addr == mapping && input->fd == fd);
  for (uint32_t i = 0; i < in.n_elems; i++) ((float *)mapping)[i] = (float)(i % 64);
  rknn_set_io_mem(context, input, &in);
  rknn_set_io_mem(context, output, &out);
  int code = rknn_run(context, NULL);
  say("run on it", code);
  say("the caller's own mapping has the output", memcmp(mapping, mapping + size, size) == 0);
  rknn_destroy_mem(context, input);
  rknn_destroy_mem(context, output);
  mapping[0] = 1;
  say("the mapping is the caller's afterwards", munmap(mapping, 2 * size) == 0 && close(fd) == 0);
}

int main(int count, char **given) {
  if (count != 4) return 2;
  initialise(given[1], given[2], given[3]);
  query(open_model(given[1]));
  run(open_model(given[1]));
  from_fd(open_model(given[1]));
  say("signal of a context destroyed twice", destroy_signal(given[1], 1));
  say("signal of a made-up handle destroyed", destroy_signal(given[1], 0));
  return 0;
}
