#include "CKernels.h"
#include "lanes.h"

// The two shapes of a reduction over the middle axis of [outer, axis, inner]: along contiguous rows when
// inner is 1, otherwise row by row into the output, whose inner extent is then the vectorised one.
#define REDUCTION(name, along_row, initial, step)                                                \
  MULTIVERSION void kernel_reduce_##name(const float *x, float *y, size_t outer, size_t axis,    \
                                         size_t inner) {                                         \
    if (inner == 1) {                                                                            \
      for (size_t o = 0; o < outer; o++) y[o] = along_row(x + o * axis, axis);                   \
      return;                                                                                    \
    }                                                                                            \
    for (size_t o = 0; o < outer; o++) {                                                         \
      float *out = y + o * inner;                                                                \
      for (size_t i = 0; i < inner; i++) out[i] = (initial);                                     \
      for (size_t a = 0; a < axis; a++) {                                                        \
        const float *in = x + (o * axis + a) * inner;                                            \
        for (size_t i = 0; i < inner; i++) {                                                     \
          float total = out[i], v = in[i];                                                       \
          out[i] = (step);                                                                       \
        }                                                                                        \
      }                                                                                          \
    }                                                                                            \
  }

INLINE float row_sum_of_squares(const float *x, size_t count) {
  return lanes_sum_of_squares(x, 0.0f, count);
}

REDUCTION(sum, lanes_sum, 0.0f, total + v)
REDUCTION(sum_of_squares, row_sum_of_squares, 0.0f, total + v * v)
REDUCTION(sum_of_magnitudes, lanes_sum_of_magnitudes, 0.0f, total + fabsf(v))
REDUCTION(product, lanes_product, 1.0f, total * v)
REDUCTION(max, lanes_max, -INFINITY, v > total || v != v ? v : total)
REDUCTION(min, lanes_min, INFINITY, v < total || v != v ? v : total)
