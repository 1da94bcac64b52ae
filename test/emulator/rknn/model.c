#include "model.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t attention_weights(size_t h) { return 2 * h + 4 * (h * h + h); }
static size_t mlp_weights(size_t h, size_t inner) { return 2 * h + inner * h + inner + h * inner + h; }

size_t model_weights(const model_header *m) {
  size_t h = m->hidden;
  switch (m->kind) {
    case KIND_ATTENTION: return attention_weights(h);
    case KIND_MLP: return mlp_weights(h, m->inner);
    case KIND_TOWER:
      return h * 3 * m->patch_size * m->patch_size + h + m->tokens * h +
             m->layers * (attention_weights(h) + mlp_weights(h, m->inner)) + 2 * h +
             (size_t)m->text_width * h * m->scale_factor * m->scale_factor;
    default: return 0;
  }
}

size_t model_input_elements(const model_header *m) {
  return m->kind == KIND_TOWER ? (size_t)m->image_size * m->image_size * 3 : (size_t)m->tokens * m->hidden;
}

size_t model_output_elements(const model_header *m) {
  if (m->kind != KIND_TOWER) return (size_t)m->tokens * m->hidden;
  return (size_t)m->tokens / (m->scale_factor * m->scale_factor) * m->text_width;
}

/* out[rows][outs] = x[rows][ins] . w[outs][ins]^T + b; four outputs at a time share the loads of a row */
static void linear(const float *x, size_t rows, size_t ins, const float *w, const float *b, size_t outs, float *out) {
  for (size_t r = 0; r < rows; r++) {
    const float *xr = x + r * ins;
    size_t o = 0;
    for (; o + 4 <= outs; o += 4) {
      const float *w0 = w + o * ins, *w1 = w0 + ins, *w2 = w1 + ins, *w3 = w2 + ins;
      float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (size_t i = 0; i < ins; i++) {
        s0 += xr[i] * w0[i];
        s1 += xr[i] * w1[i];
        s2 += xr[i] * w2[i];
        s3 += xr[i] * w3[i];
      }
      float *to = out + r * outs + o;
      to[0] = s0 + (b ? b[o] : 0);
      to[1] = s1 + (b ? b[o + 1] : 0);
      to[2] = s2 + (b ? b[o + 2] : 0);
      to[3] = s3 + (b ? b[o + 3] : 0);
    }
    for (; o < outs; o++) {
      float sum = 0;
      for (size_t i = 0; i < ins; i++) sum += xr[i] * w[o * ins + i];
      out[r * outs + o] = sum + (b ? b[o] : 0);
    }
  }
}

/* e^x for x <= 0, to about 2e-7 of it: without branches, so that a loop over it is vectorised, as libm's is not.
   Coefficients: Cephes' expf. */
static inline float exp_of_negative(float x) {
  x = x < -87 ? -87 : x;
  int32_t n = (int32_t)(x * 1.44269504f - 0.5f);
  float r = x - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  union { int32_t bits; float value; } power = {(n + 127) << 23};
  return (p * r * r + r + 1) * power.value;
}

static void layer_norm(const float *x, size_t rows, size_t width, const float *w, const float *b, float eps, float *out) {
  for (size_t r = 0; r < rows; r++) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < width; i++) mean += x[r * width + i];
    mean /= (double)width;
    for (size_t i = 0; i < width; i++) {
      double d = x[r * width + i] - mean;
      square += d * d;
    }
    double scale = 1 / sqrt(square / (double)width + eps);
    for (size_t i = 0; i < width; i++)
      out[r * width + i] = (float)((x[r * width + i] - mean) * scale) * w[i] + b[i];
  }
}

static inline float gelu(float x, uint32_t activation) {
  if (activation == ACTIVATION_ERF_GELU) return 0.5f * x * (1 + erff(x * 0.70710678f));
  /* x * sigmoid(2u) = x / 2 * (1 + tanh(u)) */
  float u2 = 1.5957691216f * (x + 0.044715f * x * x * x), e = exp_of_negative(u2 < 0 ? u2 : -u2);
  return x * (u2 < 0 ? e : 1) / (1 + e);
}

/* Eight at a time, which do not wait for each other. */
static float largest(const float *x, size_t count) {
  float lanes[8], top = -INFINITY;
  for (size_t lane = 0; lane < 8; lane++) lanes[lane] = -INFINITY;
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (size_t lane = 0; lane < 8; lane++) lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
  for (; i < count; i++) top = x[i] > top ? x[i] : top;
  for (size_t lane = 0; lane < 8; lane++) top = lanes[lane] > top ? lanes[lane] : top;
  return top;
}

/* Adds the attention branch to the stream x; scratch holds 7 x tokens x hidden and one row of scores. */
static const float *attention(const model_header *m, const float *w, float *x, float *scratch) {
  size_t t = m->tokens, h = m->hidden, n = t * h, width = h / m->heads;
  float *y = scratch, *q = y + n, *k = q + n, *v = k + n, *mixed = v + n, *keys = mixed + n;
  float *values = keys + t * width, *score = values + t * width;
  layer_norm(x, t, h, w, w + h, m->eps, y);
  w += 2 * h;
  float *projections[3] = {q, k, v};
  for (int p = 0; p < 3; p++, w += h * h + h) linear(y, t, h, w, w + h * h, h, projections[p]);
  float scale = 1 / sqrtf((float)width);
  for (size_t head = 0; head < m->heads; head++) {
    /* This head's keys and values, [width][tokens]: loops over the tokens are vectorised. */
    for (size_t c = 0; c < t; c++)
      for (size_t i = 0; i < width; i++) {
        keys[i * t + c] = k[c * h + head * width + i] * scale;
        values[i * t + c] = v[c * h + head * width + i];
      }
    for (size_t r = 0; r < t; r++) {
      const float *qr = q + r * h + head * width;
      memset(score, 0, t * sizeof *score);
      size_t i = 0;
      for (; i + 4 <= width; i += 4) {
        const float *k0 = keys + i * t, *k1 = k0 + t, *k2 = k1 + t, *k3 = k2 + t;
        for (size_t c = 0; c < t; c++)
          score[c] += qr[i] * k0[c] + qr[i + 1] * k1[c] + qr[i + 2] * k2[c] + qr[i + 3] * k3[c];
      }
      for (; i < width; i++)
        for (size_t c = 0; c < t; c++) score[c] += qr[i] * keys[i * t + c];
      float top = largest(score, t), sum = 0;
      for (size_t c = 0; c < t; c++) score[c] = exp_of_negative(score[c] - top);
      for (size_t c = 0; c < t; c++) sum += score[c];
      float *out = mixed + r * h + head * width;
      linear(score, 1, t, values, NULL, width, out);
      for (i = 0; i < width; i++) out[i] /= sum;
    }
  }
  linear(mixed, t, h, w, w + h * h, h, y);
  for (size_t i = 0; i < n; i++) x[i] += y[i];
  return w + h * h + h;
}

/* Adds the MLP branch; scratch holds 2 x tokens x hidden and tokens x inner. */
static const float *mlp(const model_header *m, const float *w, float *x, float *scratch) {
  size_t t = m->tokens, h = m->hidden, inner = m->inner, n = t * h;
  float *y = scratch, *z = y + n, *wide = z + n;
  layer_norm(x, t, h, w, w + h, m->eps, y);
  w += 2 * h;
  linear(y, t, h, w, w + inner * h, inner, wide);
  w += inner * h + inner;
  for (size_t i = 0; i < t * inner; i++) wide[i] = gelu(wide[i], m->activation);
  linear(wide, t, inner, w, w + h * inner, h, z);
  for (size_t i = 0; i < n; i++) x[i] += z[i];
  return w + h * inner + h;
}

/* Bytes of an NHWC picture to the residual stream; mean and deviation 127.5 are folded in, as the vendor's export does. */
static const float *embed(const model_header *m, const float *w, const float *picture, float *x) {
  size_t side = m->image_size / m->patch_size, patch = m->patch_size, h = m->hidden, per = 3 * patch * patch;
  const float *bias = w + h * per, *positions = bias + h;
  for (size_t t = 0; t < m->tokens; t++) {
    for (size_t o = 0; o < h; o++) {
      float sum = bias[o] + positions[t * h + o];
      for (size_t c = 0; c < 3; c++)
        for (size_t r = 0; r < patch; r++)
          for (size_t i = 0; i < patch; i++) {
            size_t row = t / side * patch + r, column = t % side * patch + i;
            float pixel = picture[(row * m->image_size + column) * 3 + c] / 127.5f - 1;
            sum += pixel * w[o * per + (c * patch + r) * patch + i];
          }
      x[t * h + o] = sum;
    }
  }
  return positions + m->tokens * h;
}

/* Pixel shuffle and projection (Idefics3): s x s neighbouring patches become one row of s*s*hidden. */
static void connect(const model_header *m, const float *w, const float *x, float *shuffled, float *output) {
  size_t side = m->image_size / m->patch_size, s = m->scale_factor, h = m->hidden, small = side / s, width = s * s * h;
  for (size_t r = 0; r < small; r++)
    for (size_t c = 0; c < small; c++)
      for (size_t i = 0; i < s; i++)
        for (size_t j = 0; j < s; j++)
          memcpy(shuffled + (r * small + c) * width + (i * s + j) * h, x + ((r * s + i) * side + c * s + j) * h, h * sizeof *x);
  linear(shuffled, small * small, width, w, NULL, m->text_width, output);
}

int model_run(const model *stage, const float *input, float *output) {
  const model_header *m = &stage->header;
  size_t n = (size_t)m->tokens * m->hidden;
  if (m->kind == KIND_PASS) {
    memcpy(output, input, n * sizeof *output);
    return 0;
  }
  float *x = malloc(n * sizeof *x);
  float *scratch = malloc((7 * n + (size_t)m->tokens * (m->inner + 1)) * sizeof *scratch);
  const float *w = stage->weights;
  if (!x || !scratch) {
    free(x);
    free(scratch);
    return -1;
  }
  if (m->kind == KIND_TOWER) {
    w = embed(m, w, input, x);
    for (uint32_t layer = 0; layer < m->layers; layer++) {
      w = attention(m, w, x, scratch);
      w = mlp(m, w, x, scratch);
    }
    layer_norm(x, m->tokens, m->hidden, w, w + m->hidden, m->eps, scratch);
    connect(m, w + 2 * m->hidden, scratch, scratch + n, output);
  } else {
    for (size_t i = 0; i < n; i++) x[i] = input[i] / m->residual_scale;
    if (m->kind == KIND_ATTENTION) attention(m, w, x, scratch);
    else mlp(m, w, x, scratch);
    for (size_t i = 0; i < n; i++) output[i] = x[i] * m->residual_scale;
  }
  free(x);
  free(scratch);
  return 0;
}

float half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023, bits;
  if (exponent == 31) bits = sign | 0x7f800000 | fraction << 13;
  else if (exponent) bits = sign | (exponent + 112) << 23 | fraction << 13;
  else {
    float value = ldexpf((float)fraction, -24);
    return sign ? -value : value;
  }
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

uint16_t float_to_half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return sign | 0x7e00;
  if (bits >= 0x477ff000) return sign | 0x7c00;                              /* rounds beyond 65504 */
  if (bits < 0x38800000) {                                                   /* subnormal: steps of 2^-24 */
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    return sign | (uint16_t)lrintf(ldexpf(magnitude, 24));
  }
  bits += 0xfff + (bits >> 13 & 1);                                          /* to nearest, ties to even */
  return sign | (uint16_t)((bits - 0x38000000) >> 13);
}
