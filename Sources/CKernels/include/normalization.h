// Softmax, normalisations and reductions.
//
// Sums run in sixteen lanes and blocks of 1024, so the error of a sum of n terms is at most about
// (68 + n / 1024) 2^-24 times the sum of their magnitudes.
#pragma once

#include <stddef.h>

// y[r, :] = softmax(scale * x[r, :] + mask[r, :]) over [rows, count]; mask may be null. Strides are the
// distances between rows; a mask stride of zero uses one mask row for all. A row of -inf gives NaN, and
// a probability below exp(-87) of the row's largest is zero.
void kernel_softmax(const float *x, const float *mask, float scale, float *y, size_t rows, size_t count,
                    size_t x_stride, size_t y_stride, size_t mask_stride);

// y[r, :] = x[r, :] - log(sum(exp(x[r, :]))) over [rows, count].
void kernel_log_softmax(const float *x, float *y, size_t rows, size_t count);

// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta over the rows of [rows, count], the variance
// about the rounded mean in a second pass. gamma, beta, means and inverse_deviations may be null.
void kernel_layer_norm(const float *x, const float *gamma, const float *beta, float epsilon, float *y,
                       size_t rows, size_t count, float *means, float *inverse_deviations);

// y = x / sqrt(mean(x^2) + epsilon) * gamma over the rows of [rows, count]; gamma may be null.
void kernel_rms_norm(const float *x, const float *gamma, float epsilon, float *y, size_t rows,
                     size_t count);

// y[o, i] = reduction of x[o, :, i] for x of shape [outer, axis, inner]; x and y must not overlap. An
// empty axis gives the neutral element. max and min give NaN where any element is NaN.
void kernel_reduce_sum(const float *x, float *y, size_t outer, size_t axis, size_t inner);
void kernel_reduce_sum_of_squares(const float *x, float *y, size_t outer, size_t axis, size_t inner);
void kernel_reduce_sum_of_magnitudes(const float *x, float *y, size_t outer, size_t axis, size_t inner);
void kernel_reduce_product(const float *x, float *y, size_t outer, size_t axis, size_t inner);
void kernel_reduce_max(const float *x, float *y, size_t outer, size_t axis, size_t inner);
void kernel_reduce_min(const float *x, float *y, size_t outer, size_t axis, size_t inner);
