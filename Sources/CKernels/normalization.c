#include "CKernels.h"
#include "lanes.h"
#include "vector_math.h"

MULTIVERSION void kernel_softmax(const float *x, const float *mask, float scale, float *y,
                                 size_t rows, size_t count, size_t x_stride, size_t y_stride,
                                 size_t mask_stride) {
  for (size_t row = 0; row < rows; row++) {
    const float *in = x + row * x_stride;
    float *out = y + row * y_stride;
    const float *added = in;
    if (mask) {
      const float *m = mask + row * mask_stride;
      for (size_t i = 0; i < count; i++) out[i] = scale * in[i] + m[i];
      added = out;
    } else if (scale != 1.0f) {
      for (size_t i = 0; i < count; i++) out[i] = scale * in[i];
      added = out;
    }
    float largest = lanes_max(added, count);
    for (size_t i = 0; i < count; i++) out[i] = exp_1(added[i] - largest);
    float inverse = 1.0f / lanes_sum(out, count);
    for (size_t i = 0; i < count; i++) out[i] *= inverse;
  }
}

MULTIVERSION void kernel_log_softmax(const float *x, float *y, size_t rows, size_t count) {
  for (size_t row = 0; row < rows; row++) {
    const float *in = x + row * count;
    float *out = y + row * count;
    float largest = lanes_max(in, count);
    float sum = 0.0f;
    float block[256];
    for (size_t start = 0; start < count; start += 256) {
      size_t width = count - start < 256 ? count - start : 256;
      for (size_t i = 0; i < width; i++) block[i] = exp_1(in[start + i] - largest);
      sum += lanes_sum(block, width);
    }
    float logarithm = log_1(sum);
    for (size_t i = 0; i < count; i++) out[i] = (in[i] - largest) - logarithm;
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
      for (size_t i = 0; i < count; i++) out[i] = (in[i] - mean) * inverse * gamma[i] + beta[i];
    } else if (gamma) {
      for (size_t i = 0; i < count; i++) out[i] = (in[i] - mean) * inverse * gamma[i];
    } else if (beta) {
      for (size_t i = 0; i < count; i++) out[i] = (in[i] - mean) * inverse + beta[i];
    } else {
      for (size_t i = 0; i < count; i++) out[i] = (in[i] - mean) * inverse;
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
      for (size_t i = 0; i < count; i++) out[i] = in[i] * inverse * gamma[i];
    } else {
      for (size_t i = 0; i < count; i++) out[i] = in[i] * inverse;
    }
  }
}
