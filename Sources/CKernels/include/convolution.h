// Sliding windows over one to three spatial axes; fewer are written with leading axes of extent one.
#pragma once

#include <stdint.h>

// Depth, height and width of the input, the kernel and the output, and how the kernel moves: output
// position o and kernel position k meet input position o * stride + k * dilation - pad.
struct kernel_window {
  int64_t input[3];
  int64_t kernel[3];
  int64_t output[3];
  int64_t stride[3];
  int64_t dilation[3];
  int64_t pad[3];
};

// columns[c, k, o] = x[c, position of k and o] or zero, for x [channels, input], k over the kernel and o
// over the output rows [row_begin, row_end), where a row is one depth and height.
void kernel_im2col(const float *x, const struct kernel_window *w, int64_t channels, int64_t row_begin,
                   int64_t row_end, float *columns);

// x[c, position of k and o] += columns[c, k, o]: the transpose of im2col over all output rows.
void kernel_col2im(const float *columns, const struct kernel_window *w, int64_t channels, float *x);

// y = x * weights for one channel: x [input], weights [kernel], y [output].
void kernel_depthwise(const float *x, const float *weights, const struct kernel_window *w, float *y);

// Maximum and sum over each window of one channel, positions outside the input left out. A window
// wholly outside gives -inf and 0. NaN wins the maximum.
void kernel_pool_max(const float *x, const struct kernel_window *w, float *y);
void kernel_pool_sum(const float *x, const struct kernel_window *w, float *y);
