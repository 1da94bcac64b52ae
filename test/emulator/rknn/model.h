/* A stage as the emulator stores it in place of a compiled model, and its arithmetic. */
#ifndef MODEL_H
#define MODEL_H
#include <stddef.h>
#include <stdint.h>

enum { KIND_PASS = 0, KIND_ATTENTION = 1, KIND_MLP = 2, KIND_TOWER = 3 };
enum { ACTIVATION_TANH_GELU = 0, ACTIVATION_ERF_GELU = 1 };

/* Little-endian; weights follow as float32. Magic as a real file begins, then "EMU1". */
typedef struct {
  char magic[8];
  char name[32];
  uint32_t kind;
  uint32_t tokens;
  uint32_t hidden;
  uint32_t heads;
  uint32_t inner;
  uint32_t activation;
  uint32_t duration_us; /* modelled time on one core */
  uint32_t layers;      /* of a whole tower */
  uint32_t image_size;
  uint32_t patch_size;
  uint32_t scale_factor;
  uint32_t text_width;
  float eps;
  float residual_scale;
} model_header;

typedef struct {
  model_header header;
  float *weights;
  size_t weight_count;
} model;

/* How many float32 a stage of this header has. */
size_t model_weights(const model_header *header);
size_t model_input_elements(const model_header *header);
size_t model_output_elements(const model_header *header);
/* Computes a stage; tower input is bytes 0..255, already widened. Returns 0, or -1 without memory. */
int model_run(const model *stage, const float *input, float *output);

float half_to_float(uint16_t half);
uint16_t float_to_half(float value);
#endif
