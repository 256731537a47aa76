#include <stdint.h>

#include "CKernels.h"
#include "multiversion.h"

// Gathers a strided row, scatters nothing: y is contiguous. Strides count elements.
#define STRIDED_ROW(bits)                                                                        \
  MULTIVERSION void kernel_copy_strided_##bits(const void *x, ptrdiff_t stride, void *y,         \
                                               size_t count) {                                   \
    const uint##bits##_t *in = x;                                                                \
    uint##bits##_t *out = y;                                                                     \
    for (size_t i = 0; i < count; i++) out[i] = in[(ptrdiff_t)i * stride];                       \
  }

// Eight by eight blocks keep both the lines read and the lines written in the first-level cache.
#define TRANSPOSE(bits)                                                                          \
  MULTIVERSION void kernel_transpose_##bits(const void *x, size_t x_stride, void *y,             \
                                            size_t y_stride, size_t rows, size_t columns) {      \
    const uint##bits##_t *in = x;                                                                \
    uint##bits##_t *out = y;                                                                     \
    size_t r = 0;                                                                                \
    for (; r + 8 <= rows; r += 8) {                                                              \
      size_t c = 0;                                                                              \
      for (; c + 8 <= columns; c += 8) {                                                         \
        uint##bits##_t block[8][8];                                                              \
        for (size_t i = 0; i < 8; i++)                                                           \
          for (size_t j = 0; j < 8; j++) block[j][i] = in[(r + i) * x_stride + c + j];           \
        for (size_t j = 0; j < 8; j++)                                                           \
          for (size_t i = 0; i < 8; i++) out[(c + j) * y_stride + r + i] = block[j][i];          \
      }                                                                                          \
      for (; c < columns; c++)                                                                   \
        for (size_t i = 0; i < 8; i++) out[c * y_stride + r + i] = in[(r + i) * x_stride + c];   \
    }                                                                                            \
    for (; r < rows; r++)                                                                        \
      for (size_t c = 0; c < columns; c++) out[c * y_stride + r] = in[r * x_stride + c];         \
  }

STRIDED_ROW(8)
STRIDED_ROW(16)
STRIDED_ROW(32)
STRIDED_ROW(64)
TRANSPOSE(8)
TRANSPOSE(16)
TRANSPOSE(32)
TRANSPOSE(64)
