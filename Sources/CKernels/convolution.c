#include <string.h>

#include "CKernels.h"
#include "lanes.h"

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

// Each element of y is folded from the elements of x under its window, sixteen of an output row at a time:
// `step` takes the input element `v` and its weight `factor` into `total`. Positions outside the input
// take no part; blocks that meet none are spared the test.
#define SLIDE(name, initial, weight, step)                                                        \
  INLINE void name##_block(const float *x, const float *weights, const window_t *w,               \
                           int64_t stride, const int64_t *origin, const int64_t *first,           \
                           const int64_t *end, int is_inside, float *lane) {                      \
    uint64_t width = (uint64_t)w->input[2];                                                       \
    for (int64_t kw = 0; kw < w->kernel[2]; kw++) {                                               \
      int64_t column = origin[2] + kw * w->dilation[2];                                           \
      for (int64_t kd = first[0]; kd < end[0]; kd++)                                              \
        for (int64_t kh = first[1]; kh < end[1]; kh++) {                                          \
          int64_t d = origin[0] + kd * w->dilation[0], h = origin[1] + kh * w->dilation[1];       \
          const float *in = x + (d * w->input[1] + h) * w->input[2];                              \
          float factor = (weight);                                                                \
          (void)factor;                                                                           \
          if (is_inside) {                                                                        \
            EACH_LANE {                                                                           \
              float total = lane[j], v = in[column + stride * (int64_t)j];                        \
              lane[j] = (step);                                                                   \
            }                                                                                     \
          } else {                                                                                \
            EACH_LANE {                                                                           \
              int takes_part = (uint64_t)(column + stride * (int64_t)j) < width;                  \
              float total = lane[j], v = takes_part ? in[column + stride * (int64_t)j] : 0.0f;    \
              lane[j] = takes_part ? (step) : total;                                              \
            }                                                                                     \
          }                                                                                       \
        }                                                                                         \
    }                                                                                             \
  }                                                                                               \
                                                                                                  \
  INLINE void name##_row(const float *x, const float *weights, const window_t *w, int64_t stride, \
                         int64_t *origin, const int64_t *first, const int64_t *end, float *y) {   \
    int64_t reach = (w->kernel[2] - 1) * w->dilation[2] + (LANES - 1) * stride;                   \
    for (int64_t o = 0; o < w->output[2]; o += LANES) {                                           \
      float lane[LANES];                                                                          \
      fill_lanes(initial, lane);                                                                  \
      origin[2] = o * stride - w->pad[2];                                                         \
      int64_t left = w->output[2] - o;                                                            \
      if (left >= LANES && origin[2] >= 0 && origin[2] + reach < w->input[2]) {                   \
        name##_block(x, weights, w, stride, origin, first, end, 1, lane);                         \
        EACH_LANE y[o + (int64_t)j] = lane[j];                                                    \
      } else {                                                                                    \
        name##_block(x, weights, w, stride, origin, first, end, 0, lane);                         \
        store_partial(lane, left < LANES ? (size_t)left : LANES, y + o);                          \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
                                                                                                  \
  INLINE void name##_plane(const float *x, const float *weights, const window_t *w, float *y) {   \
    int64_t origin[3], first[2], end[2];                                                          \
    for (int64_t od = 0; od < w->output[0]; od++)                                                 \
      for (int64_t oh = 0; oh < w->output[1]; oh++, y += w->output[2]) {                          \
        origin[0] = od * w->stride[0] - w->pad[0];                                                \
        origin[1] = oh * w->stride[1] - w->pad[1];                                                \
        for (int a = 0; a < 2; a++)                                                               \
          inside(w->input[a], w->dilation[a], origin[a], w->kernel[a], &first[a], &end[a]);       \
        if (w->stride[2] == 1) {                                                                  \
          name##_row(x, weights, w, 1, origin, first, end, y);                                    \
        } else if (w->stride[2] == 2) {                                                           \
          name##_row(x, weights, w, 2, origin, first, end, y);                                    \
        } else {                                                                                  \
          name##_row(x, weights, w, w->stride[2], origin, first, end, y);                         \
        }                                                                                         \
      }                                                                                           \
  }

SLIDE(depthwise, 0.0f, weights[(kd * w->kernel[1] + kh) * w->kernel[2] + kw], total + factor * v)
SLIDE(pool_max, -INFINITY, 1.0f, larger(total, v))
SLIDE(pool_sum, 0.0f, 1.0f, total + v)

MULTIVERSION void kernel_depthwise(const float *x, const float *weights, const window_t *w, float *y) {
  depthwise_plane(x, weights, w, y);
}

MULTIVERSION void kernel_pool_max(const float *x, const window_t *w, float *y) {
  pool_max_plane(x, 0, w, y);
}

MULTIVERSION void kernel_pool_sum(const float *x, const window_t *w, float *y) {
  pool_sum_plane(x, 0, w, y);
}
