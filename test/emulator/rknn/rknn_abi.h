/* The C interface of librknnrt, as far as the binding uses it: one layout serves the releases 1.6.0 to 2.5.0 (LP64). */
#ifndef RKNN_ABI_H
#define RKNN_ABI_H
#include <stdint.h>

typedef uint64_t rknn_context;

enum { MAX_DIMS = 16, MAX_NAME = 256 };

typedef struct { uint32_t n_input, n_output; } rknn_input_output_num;

typedef struct {
  uint32_t index;
  uint32_t n_dims;
  uint32_t dims[MAX_DIMS];
  char name[MAX_NAME];
  uint32_t n_elems;
  uint32_t size;
  int fmt;
  int type;
  int qnt_type;
  int8_t fl;
  int32_t zp;
  float scale;
  uint32_t w_stride;
  uint32_t size_with_stride;
  uint8_t pass_through;
  uint32_t h_stride;
} rknn_tensor_attr;

typedef struct { int64_t run_duration; } rknn_perf_run;
typedef struct { char api_version[256], drv_version[256]; } rknn_sdk_version;

typedef struct {
  uint32_t total_weight_size;
  uint32_t total_internal_size;
  uint64_t total_dma_allocated_size;
  uint32_t total_sram_size;
  uint32_t free_sram_size;
  uint32_t reserved[10];
} rknn_mem_size;

typedef struct {
  void *virt_addr;
  uint64_t phys_addr;
  int32_t fd;
  int32_t offset;
  uint32_t size;
  uint32_t flags;
  void *priv_data;
} rknn_tensor_mem;

typedef struct {
  uint32_t index;
  void *buf;
  uint32_t size;
  uint8_t pass_through;
  int type;
  int fmt;
} rknn_input;

typedef struct {
  uint8_t want_float;
  uint8_t is_prealloc;
  uint32_t index;
  void *buf;
  uint32_t size;
} rknn_output;

typedef struct {
  rknn_context ctx;
  int32_t real_model_offset;
  uint32_t real_model_size;
  int32_t model_buffer_fd;
  uint32_t model_buffer_flags;
  uint8_t reserved[112];
} rknn_init_extend;

typedef struct { uint64_t frame_id; int32_t non_block, timeout_ms, fence_fd; } rknn_run_extend;
typedef struct { uint64_t frame_id; } rknn_output_extend;

enum { CMD_IN_OUT_NUM = 0, CMD_INPUT_ATTR = 1, CMD_OUTPUT_ATTR = 2, CMD_PERF_RUN = 4, CMD_SDK_VERSION = 5,
       CMD_MEM_SIZE = 6, CMD_NATIVE_INPUT_ATTR = 8, CMD_NATIVE_OUTPUT_ATTR = 9 };
enum { TYPE_FLOAT32 = 0, TYPE_FLOAT16 = 1, TYPE_UINT8 = 3 };
enum { FMT_NCHW = 0, FMT_NHWC = 1, FMT_UNDEFINED = 3 };
enum { FLAG_INTERNAL_ALLOC_OUTSIDE = 0x200, FLAG_DISABLE_PROC_HIGH_PRIORITY = 0x2000 };
enum { RKNN_SUCC = 0, RKNN_FAIL = -1, RKNN_TIMEOUT = -2, RKNN_PARAM_INVALID = -5, RKNN_MODEL_INVALID = -6,
       RKNN_CTX_INVALID = -7, RKNN_INPUT_INVALID = -8, RKNN_OUTPUT_INVALID = -9 };
#endif
