// Reductions of a contiguous run in sixteen interleaved lanes, folded in halves at the end.
//
// The order of the additions is fixed by the length alone, so every instruction set and every alignment
// adds in the same order. A run is cut into blocks of 1024 whose sums are added in turn, which bounds
// the error of a sum by about (1024 / 16 + 4 + blocks) * 2^-24 times the sum of magnitudes.
#pragma once

#include <math.h>
#include <stddef.h>

#include "multiversion.h"

#define LANES 16
#define SUM_BLOCK 1024

#define LANES_LOOP(initial, step, fold)                                \
  float lane[LANES];                                                   \
  for (int j = 0; j < LANES; j++) lane[j] = (initial);                 \
  size_t i = 0;                                                        \
  for (; i + LANES <= count; i += LANES)                               \
    for (int j = 0; j < LANES; j++) {                                  \
      float total = lane[j], v = x[i + (size_t)j];                     \
      lane[j] = (step);                                                \
    }                                                                  \
  for (int j = 0; i + (size_t)j < count; j++) {                        \
    float total = lane[j], v = x[i + (size_t)j];                       \
    lane[j] = (step);                                                  \
  }                                                                    \
  for (int width = LANES / 2; width > 0; width /= 2)                   \
    for (int j = 0; j < width; j++) {                                  \
      float total = lane[j], v = lane[j + width];                      \
      lane[j] = (fold);                                                \
    }                                                                  \
  return lane[0];

INLINE float block_sum(const float *x, size_t count) { LANES_LOOP(0.0f, total + v, total + v) }

INLINE float block_sum_of_squares(const float *x, float center, size_t count) {
  LANES_LOOP(0.0f, total + (v - center) * (v - center), total + v)
}

INLINE float block_sum_of_magnitudes(const float *x, size_t count) {
  LANES_LOOP(0.0f, total + fabsf(v), total + v)
}

// NaN wins in both, as in numpy.
INLINE float lanes_max(const float *x, size_t count) {
  LANES_LOOP(-INFINITY, v > total || v != v ? v : total, v > total || v != v ? v : total)
}

INLINE float lanes_min(const float *x, size_t count) {
  LANES_LOOP(INFINITY, v < total || v != v ? v : total, v < total || v != v ? v : total)
}

INLINE float lanes_product(const float *x, size_t count) {
  LANES_LOOP(1.0f, total * v, total * v)
}

#define IN_BLOCKS(call)                                                       \
  float sum = 0.0f;                                                           \
  for (size_t start = 0; start < count; start += SUM_BLOCK) {                 \
    size_t width = count - start < SUM_BLOCK ? count - start : SUM_BLOCK;     \
    sum += (call);                                                            \
  }                                                                           \
  return sum;

INLINE float lanes_sum(const float *x, size_t count) { IN_BLOCKS(block_sum(x + start, width)) }

INLINE float lanes_sum_of_squares(const float *x, float center, size_t count) {
  IN_BLOCKS(block_sum_of_squares(x + start, center, width))
}

INLINE float lanes_sum_of_magnitudes(const float *x, size_t count) {
  IN_BLOCKS(block_sum_of_magnitudes(x + start, width))
}
