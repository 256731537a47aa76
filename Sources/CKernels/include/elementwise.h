// Elementwise functions over contiguous runs: y[i] = f(x[i]), z[i] = f(x[i], y[i]).
//
// Error bounds against the exact function, over all finite inputs, in units in the last place (ulp):
//   exp 1.5 (0.5 + 2^-149 absolute below the normals) · log 1.5 · erf 2 · tanh 3 · sigmoid 3, silu 4
//   (results below the normals may be flushed) · softplus 4, mish 8 · gelu 2^-23 max(|x|, |result|)
//   absolute, gelu_tanh 2^-22 |x| for |x| < 10.
// Infinities and NaN give what the formula gives: gelu(-inf) and silu(-inf) are NaN, as 0 times infinity.
#pragma once

#include <stddef.h>

void kernel_exp(const float *x, float *y, size_t count);
void kernel_log(const float *x, float *y, size_t count);
void kernel_erf(const float *x, float *y, size_t count);
void kernel_tanh(const float *x, float *y, size_t count);
void kernel_sigmoid(const float *x, float *y, size_t count);
void kernel_silu(const float *x, float *y, size_t count);
void kernel_gelu(const float *x, float *y, size_t count);
void kernel_gelu_tanh(const float *x, float *y, size_t count);
void kernel_softplus(const float *x, float *y, size_t count);
void kernel_mish(const float *x, float *y, size_t count);
void kernel_relu(const float *x, float *y, size_t count);
void kernel_softsign(const float *x, float *y, size_t count);
void kernel_hard_swish(const float *x, float *y, size_t count);
void kernel_sqrt(const float *x, float *y, size_t count);
void kernel_reciprocal(const float *x, float *y, size_t count);
void kernel_reciprocal_sqrt(const float *x, float *y, size_t count);
void kernel_square(const float *x, float *y, size_t count);
void kernel_abs(const float *x, float *y, size_t count);
void kernel_negate(const float *x, float *y, size_t count);
void kernel_floor(const float *x, float *y, size_t count);
void kernel_ceil(const float *x, float *y, size_t count);
void kernel_round_to_even(const float *x, float *y, size_t count);

// With parameters: leaky_relu, elu (a = alpha); selu (a = alpha, b = gamma); hard_sigmoid
// clamp(a x + b, 0, 1); thresholded_relu (a = alpha); clip (a = min, b = max; the maximum wins);
// scale_and_shift a x + b; quick_gelu x sigmoid(a x).
void kernel_leaky_relu(const float *x, float *y, size_t count, float a);
void kernel_elu(const float *x, float *y, size_t count, float a);
void kernel_selu(const float *x, float *y, size_t count, float a, float b);
void kernel_hard_sigmoid(const float *x, float *y, size_t count, float a, float b);
void kernel_thresholded_relu(const float *x, float *y, size_t count, float a);
void kernel_clip(const float *x, float *y, size_t count, float a, float b);
void kernel_scale_and_shift(const float *x, float *y, size_t count, float a, float b);
void kernel_quick_gelu(const float *x, float *y, size_t count, float a);

// Binary: both contiguous, right operand a scalar, left operand a scalar. minimum and maximum give NaN
// where either operand is NaN; prelu is x where x >= 0, else x times y.
void kernel_add(const float *x, const float *y, float *z, size_t count);
void kernel_add_scalar(const float *x, float b, float *z, size_t count);
void kernel_scalar_add(float a, const float *y, float *z, size_t count);
void kernel_subtract(const float *x, const float *y, float *z, size_t count);
void kernel_subtract_scalar(const float *x, float b, float *z, size_t count);
void kernel_scalar_subtract(float a, const float *y, float *z, size_t count);
void kernel_multiply(const float *x, const float *y, float *z, size_t count);
void kernel_multiply_scalar(const float *x, float b, float *z, size_t count);
void kernel_scalar_multiply(float a, const float *y, float *z, size_t count);
void kernel_divide(const float *x, const float *y, float *z, size_t count);
void kernel_divide_scalar(const float *x, float b, float *z, size_t count);
void kernel_scalar_divide(float a, const float *y, float *z, size_t count);
void kernel_minimum(const float *x, const float *y, float *z, size_t count);
void kernel_minimum_scalar(const float *x, float b, float *z, size_t count);
void kernel_scalar_minimum(float a, const float *y, float *z, size_t count);
void kernel_maximum(const float *x, const float *y, float *z, size_t count);
void kernel_maximum_scalar(const float *x, float b, float *z, size_t count);
void kernel_scalar_maximum(float a, const float *y, float *z, size_t count);
void kernel_prelu(const float *x, const float *y, float *z, size_t count);
void kernel_prelu_scalar(const float *x, float b, float *z, size_t count);
void kernel_scalar_prelu(float a, const float *y, float *z, size_t count);
void kernel_power(const float *x, const float *y, float *z, size_t count);
void kernel_power_scalar(const float *x, float b, float *z, size_t count);
void kernel_scalar_power(float a, const float *y, float *z, size_t count);

// y[i] += bias[i] + shift + residual[i]; bias and residual may be null.
void kernel_epilogue_row(const float *bias, float shift, const float *residual, float *y, size_t count);

// y[r, i] = scale[r] x[r, i] + shift[r], for [rows, count].
void kernel_scale_and_shift_rows(const float *x, float *y, size_t count, const float *scale,
                                 const float *shift, size_t rows);
