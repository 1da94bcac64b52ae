#include "llama.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const float *norm_in, *q, *k, *v, *o, *norm_post, *gate, *up, *down;
  float *keys, *values; /* [rows, kv_heads * head_dim] */
} layer;

struct llama {
  llama_header h;
  float *weights;
  const float *embed, *norm, *head;
  layer *layers;
  uint8_t *vocabulary;
  const uint8_t **pieces;
  size_t *lengths;
  size_t rows, room;
};

static const float *take(const float **at, size_t count) {
  const float *found = *at;
  *at += count;
  return found;
}

static size_t weight_count(const llama_header *h) {
  size_t d = h->hidden, q = (size_t)h->heads * h->head_dim, kv = (size_t)h->kv_heads * h->head_dim;
  size_t each = 2 * d + q * d + 2 * kv * d + d * q + 3 * (size_t)h->inner * d;
  return (size_t)h->vocab * d * (h->tied ? 1 : 2) + h->layers * each + d;
}

llama *llama_open(const char *path) {
  FILE *file = fopen(path, "rb");
  llama *m = calloc(1, sizeof *m);
  long after = 0, end = 0;
  if (!file || !m || fread(&m->h, sizeof m->h, 1, file) != 1 || memcmp(m->h.magic, "RKLLEMU1", 8)) goto bad;
  size_t count = weight_count(&m->h), d = m->h.hidden;
  size_t q = (size_t)m->h.heads * m->h.head_dim, kv = (size_t)m->h.kv_heads * m->h.head_dim, inner = m->h.inner;
  m->weights = malloc(count * sizeof(float));
  m->layers = calloc(m->h.layers, sizeof(layer));
  m->pieces = calloc(m->h.vocab, sizeof *m->pieces);
  m->lengths = calloc(m->h.vocab, sizeof *m->lengths);
  if (!m->weights || !m->layers || !m->pieces || !m->lengths) goto bad;
  if (fread(m->weights, sizeof(float), count, file) != count) goto bad;
  after = ftell(file);
  if (fseek(file, 0, SEEK_END)) goto bad;
  end = ftell(file);
  m->vocabulary = malloc((size_t)(end - after) + 1);
  if (!m->vocabulary || fseek(file, after, SEEK_SET)) goto bad;
  if (fread(m->vocabulary, 1, (size_t)(end - after), file) != (size_t)(end - after)) goto bad;
  const uint8_t *at = m->vocabulary, *stop = m->vocabulary + (end - after);
  for (uint32_t i = 0; i < m->h.vocab; i++) {
    if (at >= stop || at + 1 + at[0] > stop) goto bad;
    m->lengths[i] = at[0];
    m->pieces[i] = at + 1;
    at += 1 + at[0];
  }
  const float *w = m->weights;
  m->embed = take(&w, (size_t)m->h.vocab * d);
  for (uint32_t i = 0; i < m->h.layers; i++) {
    layer *l = &m->layers[i];
    l->norm_in = take(&w, d);
    l->q = take(&w, q * d);
    l->k = take(&w, kv * d);
    l->v = take(&w, kv * d);
    l->o = take(&w, d * q);
    l->norm_post = take(&w, d);
    l->gate = take(&w, inner * d);
    l->up = take(&w, inner * d);
    l->down = take(&w, d * inner);
  }
  m->norm = take(&w, d);
  m->head = m->h.tied ? m->embed : take(&w, (size_t)m->h.vocab * d);
  fclose(file);
  return m;
bad:
  if (file) fclose(file);
  llama_close(m);
  return NULL;
}

void llama_close(llama *m) {
  if (!m) return;
  for (uint32_t i = 0; m->layers && i < m->h.layers; i++) {
    free(m->layers[i].keys);
    free(m->layers[i].values);
  }
  free(m->layers);
  free(m->weights);
  free(m->vocabulary);
  free(m->pieces);
  free(m->lengths);
  free(m);
}

const llama_header *llama_about(const llama *m) { return &m->h; }

void llama_reset(llama *m) { m->rows = 0; }

const float *llama_embedding(const llama *m, int token) { return m->embed + (size_t)token * m->h.hidden; }

const uint8_t *llama_piece(const llama *m, int token, size_t *length) {
  *length = m->lengths[token];
  return m->pieces[token];
}

static void product(float *out, const float *x, const float *w, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    float sum = 0;
    for (size_t c = 0; c < columns; c++) sum += w[r * columns + c] * x[c];
    out[r] = sum;
  }
}

static void rms_norm(float *out, const float *x, const float *weight, size_t n, float eps) {
  float sum = 0;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  float scale = 1 / sqrtf(sum / (float)n + eps);
  for (size_t i = 0; i < n; i++) out[i] = x[i] * scale * weight[i];
}

/* The second half of a head turns with the first, as Llama's weights are stored. */
static void rotate(float *heads, size_t count, size_t size, size_t position, float theta) {
  for (size_t i = 0; i < size / 2; i++) {
    float angle = (float)position * powf(theta, -2.0f * (float)i / (float)size), c = cosf(angle), s = sinf(angle);
    for (size_t h = 0; h < count; h++) {
      float *a = heads + h * size + i, *b = a + size / 2, x = *a, y = *b;
      *a = x * c - y * s;
      *b = y * c + x * s;
    }
  }
}

static int grow(llama *m, size_t needed) {
  if (needed <= m->room) return 0;
  size_t room = needed + 256, kv = (size_t)m->h.kv_heads * m->h.head_dim;
  for (uint32_t i = 0; i < m->h.layers; i++) {
    float *keys = realloc(m->layers[i].keys, room * kv * sizeof(float));
    if (keys) m->layers[i].keys = keys;
    float *values = realloc(m->layers[i].values, room * kv * sizeof(float));
    if (values) m->layers[i].values = values;
    if (!keys || !values) return -1;
  }
  m->room = room;
  return 0;
}

static void attend(const llama *m, const layer *l, const float *q, float *out, float *scores) {
  size_t size = m->h.head_dim, kv = (size_t)m->h.kv_heads * size, group = m->h.heads / m->h.kv_heads;
  float scale = 1 / sqrtf((float)size);
  for (uint32_t h = 0; h < m->h.heads; h++) {
    const float *query = q + h * size;
    size_t at = h / group * size;
    float most = -INFINITY, total = 0;
    for (size_t r = 0; r <= m->rows; r++) {
      float sum = 0;
      for (size_t i = 0; i < size; i++) sum += query[i] * l->keys[r * kv + at + i];
      scores[r] = sum * scale;
      if (scores[r] > most) most = scores[r];
    }
    for (size_t r = 0; r <= m->rows; r++) total += scores[r] = expf(scores[r] - most);
    for (size_t i = 0; i < size; i++) out[h * size + i] = 0;
    for (size_t r = 0; r <= m->rows; r++)
      for (size_t i = 0; i < size; i++) out[h * size + i] += scores[r] / total * l->values[r * kv + at + i];
  }
}

static void append_row(llama *m, float *x, float *work) {
  size_t d = m->h.hidden, size = m->h.head_dim, q = (size_t)m->h.heads * size, kv = (size_t)m->h.kv_heads * size;
  size_t inner = m->h.inner;
  float *normed = work, *queries = normed + d, *mixed = queries + q, *gate = mixed + q, *up = gate + inner;
  float *out = up + inner, *scores = out + d;
  for (uint32_t i = 0; i < m->h.layers; i++) {
    layer *l = &m->layers[i];
    rms_norm(normed, x, l->norm_in, d, m->h.eps);
    product(queries, normed, l->q, q, d);
    product(l->keys + m->rows * kv, normed, l->k, kv, d);
    product(l->values + m->rows * kv, normed, l->v, kv, d);
    rotate(queries, m->h.heads, size, m->rows, m->h.rope_theta);
    rotate(l->keys + m->rows * kv, m->h.kv_heads, size, m->rows, m->h.rope_theta);
    attend(m, l, queries, mixed, scores);
    product(out, mixed, l->o, d, q);
    for (size_t c = 0; c < d; c++) x[c] += out[c];
    rms_norm(normed, x, l->norm_post, d, m->h.eps);
    product(gate, normed, l->gate, inner, d);
    product(up, normed, l->up, inner, d);
    for (size_t c = 0; c < inner; c++) gate[c] = gate[c] / (1 + expf(-gate[c])) * up[c];
    product(out, gate, l->down, d, inner);
    for (size_t c = 0; c < d; c++) x[c] += out[c];
  }
  m->rows++;
}

int llama_append(llama *m, const float *rows, size_t count) {
  size_t d = m->h.hidden, q = (size_t)m->h.heads * m->h.head_dim;
  if (count == 0 || grow(m, m->rows + count)) return -1;
  float *x = malloc((d + 2 * d + 2 * q + 2 * (size_t)m->h.inner + m->rows + count + 1) * sizeof(float));
  if (!x) return -1;
  for (size_t r = 0; r < count; r++) {
    memcpy(x, rows + r * d, d * sizeof(float));
    append_row(m, x, x + d);
  }
  rms_norm(x + d, x, m->norm, d, m->h.eps);
  int best = 0;
  float most = -INFINITY;
  for (uint32_t t = 0; t < m->h.vocab; t++) {
    float logit;
    product(&logit, x + d, m->head + (size_t)t * d, 1, d);
    if (logit > most) most = logit, best = (int)t;
  }
  free(x);
  return best;
}
