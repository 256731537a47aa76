#include "CKernels.h"
#include "lanes.h"
#include "vector_math.h"

// out = scale * in + mask, where mask may be null.
INLINE void scale_block(const float *in, const float *mask, float scale, float *out) {
  if (mask) {
    EACH_LANE out[j] = scale * in[j] + mask[j];
  } else {
    EACH_LANE out[j] = scale * in[j];
  }
}

// out = exp(in - largest), added to the sum of each lane.
INLINE void exp_block(const float *in, float largest, float *out, float *sum) {
  float terms[LANES];
  EACH_LANE terms[j] = exp_nonpositive_1(in[j] - largest);
  EACH_LANE sum[j] += terms[j];
  EACH_LANE out[j] = terms[j];
}

// The sum of exp(in - largest) over the whole blocks and the padded rest of a row. The terms replace the
// rest and are written to out, unless it is null.
INLINE float exp_row(const float *in, float largest, float *out, size_t whole, float *rest) {
  float total = 0.0f;
  float lane[LANES], unwanted[LANES];
  fill_lanes(0.0f, lane);
  exp_block(rest, largest, rest, lane);
  for (size_t start = 0; start < whole; start += SUM_STRETCH) {
    size_t end = whole - start < SUM_STRETCH ? whole : start + SUM_STRETCH;
    for (size_t i = start; i < end; i += LANES)
      exp_block(in + i, largest, out ? out + i : unwanted, lane);
    total += sum_of_lanes(lane);
    fill_lanes(0.0f, lane);
  }
  return whole > 0 ? total : sum_of_lanes(lane);
}

// out = scale * in + mask over the whole blocks and the rest of a row, the rest then padded with -inf.
// Returns the largest element, NaN left out: it comes back with the sum of the exponentials.
INLINE float scale_row(const float *in, const float *mask, float scale, float *out, size_t count,
                       float *rest) {
  size_t whole = count / LANES * LANES, partial = count - whole;
  float lane[LANES], scaled[LANES], added[LANES];
  load_partial(in + whole, partial, 0.0f, scaled);
  if (mask) load_partial(mask + whole, partial, 0.0f, added);
  scale_block(scaled, mask ? added : 0, scale, scaled);
  EACH_LANE lane[j] = j < partial ? scaled[j] : -INFINITY;
  EACH_LANE rest[j] = lane[j];
  for (size_t i = 0; i < whole; i += LANES) {
    scale_block(in + i, mask ? mask + i : 0, scale, scaled);
    EACH_LANE lane[j] = scaled[j] > lane[j] ? scaled[j] : lane[j];
    EACH_LANE out[i + j] = scaled[j];
  }
  return largest_of_lanes(lane);
}

// A few rows go through each step together, so that folding one row's lanes overlaps the next row's work.
#define SOFTMAX_ROWS 4

MULTIVERSION void kernel_softmax(const float *x, const float *mask, float scale, float *y,
                                 size_t rows, size_t count, size_t x_stride, size_t y_stride,
                                 size_t mask_stride) {
  size_t whole = count / LANES * LANES;
  float rest[SOFTMAX_ROWS][LANES], largest[SOFTMAX_ROWS], inverse[SOFTMAX_ROWS];
  for (size_t first = 0; first < rows; first += SOFTMAX_ROWS) {
    size_t group = rows - first < SOFTMAX_ROWS ? rows - first : SOFTMAX_ROWS;
    const float *in = x + first * x_stride, *added = mask + first * mask_stride;
    float *out = y + first * y_stride;
    for (size_t r = 0; r < group; r++)
      largest[r] = mask ? scale_row(in + r * x_stride, added + r * mask_stride, scale,
                                    out + r * y_stride, count, rest[r])
                        : scale_row(in + r * x_stride, 0, scale, out + r * y_stride, count, rest[r]);
    for (size_t r = 0; r < group; r++) {
      float *terms = out + r * y_stride;
      inverse[r] = 1.0f / exp_row(terms, largest[r], terms, whole, rest[r]);
    }
    for (size_t r = 0; r < group; r++) {
      float *terms = out + r * y_stride;
      for (size_t i = 0; i < whole; i += LANES) EACH_LANE terms[i + j] *= inverse[r];
      EACH_LANE rest[r][j] *= inverse[r];
      store_partial(rest[r], count - whole, terms + whole);
    }
  }
}

MULTIVERSION void kernel_log_softmax(const float *x, float *y, size_t rows, size_t count) {
  size_t whole = count / LANES * LANES;
  for (size_t row = 0; row < rows; row++) {
    const float *in = x + row * count;
    float *out = y + row * count;
    float rest[LANES];
    load_partial(in + whole, count - whole, -INFINITY, rest);
    float largest = lanes_max(in, count);
    float logarithm = log_1(exp_row(in, largest, 0, whole, rest));
    EACH_ELEMENT out[i] = (in[i] - largest) - logarithm;
  }
}

MULTIVERSION void kernel_layer_norm(const float *x, const float *gamma, const float *beta,
                                    float epsilon, float *y, size_t rows, size_t count, float *means,
                                    float *inverse_deviations) {
  for (size_t row = 0; row < rows; row++) {
    const float *in = x + row * count;
    float *out = y + row * count;
    float mean = lanes_sum(in, count) / (float)count;
    float variance = lanes_sum_of_squares(in, mean, count) / (float)count;
    float inverse = 1.0f / sqrtf(variance + epsilon);
    if (gamma && beta) {
      EACH_ELEMENT out[i] = (in[i] - mean) * inverse * gamma[i] + beta[i];
    } else if (gamma) {
      EACH_ELEMENT out[i] = (in[i] - mean) * inverse * gamma[i];
    } else if (beta) {
      EACH_ELEMENT out[i] = (in[i] - mean) * inverse + beta[i];
    } else {
      EACH_ELEMENT out[i] = (in[i] - mean) * inverse;
    }
    if (means) means[row] = mean;
    if (inverse_deviations) inverse_deviations[row] = inverse;
  }
}

MULTIVERSION void kernel_rms_norm(const float *x, const float *gamma, float epsilon, float *y,
                                  size_t rows, size_t count) {
  for (size_t row = 0; row < rows; row++) {
    const float *in = x + row * count;
    float *out = y + row * count;
    float square = lanes_sum_of_squares(in, 0.0f, count) / (float)count;
    float inverse = 1.0f / sqrtf(square + epsilon);
    if (gamma) {
      EACH_ELEMENT out[i] = in[i] * inverse * gamma[i];
    } else {
      EACH_ELEMENT out[i] = in[i] * inverse;
    }
  }
}
