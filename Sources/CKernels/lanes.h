// Loops over a contiguous run in blocks of sixteen interleaved lanes, and reductions folded in halves.
//
// Whole blocks run on the arrays themselves, the last, partial one on a padded copy, so that a short run is
// as fast per element as a long one. The order of the additions is fixed by the length alone, so every
// instruction set and every alignment adds in the same order. A run is cut into stretches of 1024 whose
// sums are added in turn, which bounds the error of a sum by about
// (1024 / 16 + 4 + stretches) * 2^-24 times the sum of magnitudes.
#pragma once

#include <math.h>
#include <stddef.h>

#include "multiversion.h"

#define LANES 16
#define SUM_STRETCH 1024

// One block. Unrolling it before it is vectorised would leave sixteen scalars.
#define EACH_LANE                                          \
  _Pragma("clang loop unroll(disable) vectorize(enable)") \
  for (size_t j = 0; j < LANES; j++)

INLINE void fill_lanes(float value, float *lane) { EACH_LANE lane[j] = value; }

INLINE void load_partial(const float *x, size_t count, float padding, float *lane) {
  EACH_LANE lane[j] = j < count ? x[j] : padding;
}

INLINE void store_partial(const float *lane, size_t count, float *y) {
  EACH_LANE if (j < count) y[j] = lane[j];
}

// NaN wins in both, as in numpy.
INLINE float larger(float a, float b) { return b > a || b != b ? b : a; }
INLINE float smaller(float a, float b) { return b < a || b != b ? b : a; }

// Folds the upper half of the lanes into the lower until one is left.
#define FOLD_LANES(lane, step)                          \
  for (size_t width = LANES / 2; width > 0; width /= 2) \
    for (size_t j = 0; j < width; j++) {                \
      float total = lane[j], v = lane[j + width];       \
      lane[j] = (step);                                 \
    }                                                   \
  return lane[0];

INLINE float sum_of_lanes(float *lane) { FOLD_LANES(lane, total + v) }
INLINE float largest_of_lanes(float *lane) { FOLD_LANES(lane, v > total ? v : total) }
INLINE float max_of_lanes(float *lane) { FOLD_LANES(lane, larger(total, v)) }
INLINE float min_of_lanes(float *lane) { FOLD_LANES(lane, smaller(total, v)) }
INLINE float product_of_lanes(float *lane) { FOLD_LANES(lane, total * v) }

// Reduces x[begin, end), where taking `neutral` in changes nothing.
#define REDUCE_LANES(lane, begin, end, initial, neutral, step)           \
  float lane[LANES];                                                     \
  fill_lanes(initial, lane);                                             \
  {                                                                      \
    size_t i = (begin);                                                  \
    for (; i + LANES <= (end); i += LANES) EACH_LANE {                   \
        float total = lane[j], v = x[i + j];                             \
        lane[j] = (step);                                                \
      }                                                                  \
    if (i < (end)) {                                                     \
      float rest[LANES];                                                 \
      load_partial(x + i, (end) - i, neutral, rest);                     \
      EACH_LANE {                                                        \
        float total = lane[j], v = rest[j];                              \
        lane[j] = (step);                                                \
      }                                                                  \
    }                                                                    \
  }

#define LANES_OF(name, initial, step)                        \
  INLINE float lanes_##name(const float *x, size_t count) {  \
    REDUCE_LANES(lane, 0, count, initial, initial, step)     \
    return name##_of_lanes(lane);                            \
  }

LANES_OF(max, -INFINITY, larger(total, v))
LANES_OF(min, INFINITY, smaller(total, v))
LANES_OF(product, 1.0f, total *v)

#define STRETCHES_OF(neutral, step)                                                   \
  float sum = 0.0f;                                                                   \
  for (size_t start = 0; start < count; start += SUM_STRETCH) {                       \
    size_t end = count - start < SUM_STRETCH ? count : start + SUM_STRETCH;           \
    REDUCE_LANES(lane, start, end, 0.0f, neutral, step)                               \
    sum += sum_of_lanes(lane);                                                        \
  }                                                                                   \
  return sum;

INLINE float lanes_sum(const float *x, size_t count) { STRETCHES_OF(0.0f, total + v) }

INLINE float lanes_sum_of_squares(const float *x, float center, size_t count) {
  STRETCHES_OF(center, total + (v - center) * (v - center))
}

INLINE float lanes_sum_of_magnitudes(const float *x, size_t count) {
  STRETCHES_OF(0.0f, total + fabsf(v))
}
