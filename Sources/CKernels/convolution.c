#include <string.h>

#include "CKernels.h"
#include "vector_math.h"

typedef struct kernel_window window_t;

// The first and last output positions along one axis whose input position lies inside the input.
INLINE void inside(int64_t input, int64_t stride, int64_t offset, int64_t output, int64_t *first,
                   int64_t *end) {
  int64_t low = offset < 0 ? (-offset + stride - 1) / stride : 0;
  int64_t high = offset >= input ? 0 : (input - 1 - offset) / stride + 1;
  *first = low < output ? low : output;
  *end = high < output ? high : output;
  if (*end < *first) *end = *first;
}

MULTIVERSION void kernel_im2col(const float *x, const window_t *w, int64_t channels, int64_t row_begin,
                                int64_t row_end, float *columns) {
  int64_t plane = w->input[1] * w->input[2];
  int64_t width = w->output[2];
  for (int64_t c = 0; c < channels; c++) {
    const float *channel = x + c * w->input[0] * plane;
    for (int64_t kd = 0; kd < w->kernel[0]; kd++)
      for (int64_t kh = 0; kh < w->kernel[1]; kh++)
        for (int64_t kw = 0; kw < w->kernel[2]; kw++) {
          int64_t offset = kw * w->dilation[2] - w->pad[2], first, end;
          int64_t stride = w->stride[2];
          inside(w->input[2], stride, offset, width, &first, &end);
          int64_t od = row_begin / w->output[1], oh = row_begin % w->output[1];
          for (int64_t row = row_begin; row < row_end; row++) {
            int64_t d = od * w->stride[0] - w->pad[0] + kd * w->dilation[0];
            int64_t h = oh * w->stride[1] - w->pad[1] + kh * w->dilation[1];
            if (d < 0 || d >= w->input[0] || h < 0 || h >= w->input[1]) {
              memset(columns, 0, (size_t)width * sizeof(float));
            } else {
              const float *in = channel + d * plane + h * w->input[2] + offset;
              for (int64_t i = 0; i < first; i++) columns[i] = 0.0f;
              if (stride == 1) {
                for (int64_t i = first; i < end; i++) columns[i] = in[i];
              } else if (stride == 2) {
                for (int64_t i = first; i < end; i++) columns[i] = in[2 * i];
              } else {
                for (int64_t i = first; i < end; i++) columns[i] = in[stride * i];
              }
              for (int64_t i = end; i < width; i++) columns[i] = 0.0f;
            }
            columns += width;
            if (++oh == w->output[1]) {
              oh = 0;
              od++;
            }
          }
        }
  }
}

MULTIVERSION void kernel_col2im(const float *columns, const window_t *w, int64_t channels, float *x) {
  int64_t plane = w->input[1] * w->input[2];
  int64_t width = w->output[2];
  for (int64_t c = 0; c < channels; c++) {
    float *channel = x + c * w->input[0] * plane;
    for (int64_t kd = 0; kd < w->kernel[0]; kd++)
      for (int64_t kh = 0; kh < w->kernel[1]; kh++)
        for (int64_t kw = 0; kw < w->kernel[2]; kw++) {
          int64_t offset = kw * w->dilation[2] - w->pad[2], first, end;
          int64_t stride = w->stride[2];
          inside(w->input[2], stride, offset, width, &first, &end);
          for (int64_t od = 0; od < w->output[0]; od++)
            for (int64_t oh = 0; oh < w->output[1]; oh++, columns += width) {
              int64_t d = od * w->stride[0] - w->pad[0] + kd * w->dilation[0];
              int64_t h = oh * w->stride[1] - w->pad[1] + kh * w->dilation[1];
              if (d < 0 || d >= w->input[0] || h < 0 || h >= w->input[1]) continue;
              float *out = channel + d * plane + h * w->input[2] + offset;
              for (int64_t i = first; i < end; i++) out[stride * i] += columns[i];
            }
        }
  }
}

MULTIVERSION void kernel_depthwise(const float *x, const float *weights, const window_t *w, float *y) {
  int64_t plane = w->input[1] * w->input[2];
  int64_t width = w->output[2], stride = w->stride[2];
  for (int64_t od = 0; od < w->output[0]; od++)
    for (int64_t oh = 0; oh < w->output[1]; oh++, y += width) {
      for (int64_t i = 0; i < width; i++) y[i] = 0.0f;
      const float *weight = weights;
      for (int64_t kd = 0; kd < w->kernel[0]; kd++)
        for (int64_t kh = 0; kh < w->kernel[1]; kh++, weight += w->kernel[2]) {
          int64_t d = od * w->stride[0] - w->pad[0] + kd * w->dilation[0];
          int64_t h = oh * w->stride[1] - w->pad[1] + kh * w->dilation[1];
          if (d < 0 || d >= w->input[0] || h < 0 || h >= w->input[1]) continue;
          for (int64_t kw = 0; kw < w->kernel[2]; kw++) {
            int64_t offset = kw * w->dilation[2] - w->pad[2], first, end;
            inside(w->input[2], stride, offset, width, &first, &end);
            const float *in = x + d * plane + h * w->input[2] + offset;
            float factor = weight[kw];
            if (stride == 1) {
              for (int64_t i = first; i < end; i++) y[i] += factor * in[i];
            } else if (stride == 2) {
              for (int64_t i = first; i < end; i++) y[i] += factor * in[2 * i];
            } else {
              for (int64_t i = first; i < end; i++) y[i] += factor * in[stride * i];
            }
          }
        }
    }
}

// Rows of the window are folded into the output row; positions outside the input take no part.
#define POOL(name, initial, step)                                                                 \
  MULTIVERSION void kernel_pool_##name(const float *x, const window_t *w, float *y) {             \
    int64_t plane = w->input[1] * w->input[2];                                                    \
    int64_t width = w->output[2], stride = w->stride[2];                                          \
    for (int64_t od = 0; od < w->output[0]; od++)                                                 \
      for (int64_t oh = 0; oh < w->output[1]; oh++, y += width) {                                 \
        for (int64_t i = 0; i < width; i++) y[i] = (initial);                                     \
        for (int64_t kd = 0; kd < w->kernel[0]; kd++)                                             \
          for (int64_t kh = 0; kh < w->kernel[1]; kh++) {                                         \
            int64_t d = od * w->stride[0] - w->pad[0] + kd * w->dilation[0];                      \
            int64_t h = oh * w->stride[1] - w->pad[1] + kh * w->dilation[1];                      \
            if (d < 0 || d >= w->input[0] || h < 0 || h >= w->input[1]) continue;                 \
            for (int64_t kw = 0; kw < w->kernel[2]; kw++) {                                       \
              int64_t offset = kw * w->dilation[2] - w->pad[2], first, end;                       \
              inside(w->input[2], stride, offset, width, &first, &end);                           \
              const float *in = x + d * plane + h * w->input[2] + offset;                         \
              for (int64_t i = first; i < end; i++) {                                             \
                float total = y[i], v = in[stride * i];                                           \
                y[i] = (step);                                                                    \
              }                                                                                   \
            }                                                                                     \
          }                                                                                       \
      }                                                                                           \
  }

POOL(max, -INFINITY, v > total || v != v ? v : total)
POOL(sum, 0.0f, total + v)
