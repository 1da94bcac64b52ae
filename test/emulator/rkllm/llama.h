/* A Llama decoder in float32, for small models: what the stand-in for librkllmrt runs. */
#ifndef LLAMA_H
#define LLAMA_H

#include <stddef.h>
#include <stdint.h>

/* The file's header; weights follow as float32 in the order that llama_open reads them, then the vocabulary. */
typedef struct {
  char magic[8]; /* RKLLEMU1 */
  uint32_t layers, hidden, heads, kv_heads, head_dim, inner, vocab, tied, stop_count, stops[8];
  float rope_theta, eps;
} llama_header;

typedef struct llama llama;

llama *llama_open(const char *path);
void llama_close(llama *model);
const llama_header *llama_about(const llama *model);
/* Forgets all rows. */
void llama_reset(llama *model);
/* Appends rows [count, hidden] and gives the token the last one makes likeliest; -1 when memory runs out. */
int llama_append(llama *model, const float *rows, size_t count);
/* A token's embedding, [hidden]. */
const float *llama_embedding(const llama *model, int token);
/* A token's bytes, length before them; none for control tokens. */
const uint8_t *llama_piece(const llama *model, int token, size_t *length);

#endif
