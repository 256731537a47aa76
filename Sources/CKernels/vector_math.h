// Elementary functions of one float, free of branches, so that a loop over them vectorises.
//
// Every coefficient is a weighted minimax fit (Lawson iteration on Chebyshev nodes, in double) made for
// this file; the weight makes the fit's error relative to the function's result. A fit's error is
// below 1e-8 throughout, so rounding in float32 dominates; the header states the resulting bounds.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "multiversion.h"

INLINE uint32_t bits_of(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

INLINE float float_of(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

INLINE float magnitude(float x) { return float_of(bits_of(x) & 0x7fffffffu); }

INLINE float with_sign(float x, float sign) {
  return float_of((bits_of(x) & 0x7fffffffu) | (bits_of(sign) & 0x80000000u));
}

// exp(x) = 2^whole (1 + p): x = n ln 2 + r with |r| <= ln 2 / 2, and a degree 6 polynomial in r.
INLINE float exp_fraction(float x, uint32_t *whole) {
  const float shift = 0x1.8p23f;
  float shifted = x * 0x1.715476p+0f + shift;
  float n = shifted - shift;
  float r = x - n * 0x1.62e400p-1f;
  r = r - n * 0x1.7f7d1cp-20f;
  float p = 1.381446475e-03f;
  p = p * r + 8.368780622e-03f;
  p = p * r + 4.166839426e-02f;
  p = p * r + 1.666652011e-01f;
  p = p * r + 4.999999341e-01f;
  *whole = bits_of(shifted) - bits_of(shift);
  return p * (r * r) + r;
}

// exp, scaled in two steps so that overflow gives infinity and underflow rounds through the denormals. NaN
// passes every comparison.
INLINE float exp_1(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  uint32_t whole;
  float p = exp_fraction(x, &whole);
  uint32_t half = (uint32_t)((int32_t)whole >> 1);
  float scale = float_of((half + 127u) << 23);
  float rest = float_of((whole - half + 127u) << 23);
  return (p * scale + scale) * rest;
}

// exp for x <= 0 in one step, zero below -87: denormals are slow, and softmax is full of them.
INLINE float exp_nonpositive_1(float x) {
  uint32_t whole;
  float p = exp_fraction(x < -87.0f ? -87.0f : x, &whole);
  float scale = float_of((whole + 127u) << 23);
  return x < -87.0f ? 0.0f : p * scale + scale;
}

// log: x = 2^e m with sqrt(1/2) <= m < sqrt(2), and a degree 11 polynomial in m - 1.
INLINE float log_1(float x) {
  int denormal = x < 0x1p-126f;
  float scaled = denormal ? x * 0x1p23f : x;
  uint32_t u = bits_of(scaled) - 0x3f3504f3u;
  int32_t e = (int32_t)u >> 23;
  float m = float_of((u & 0x007fffffu) + 0x3f3504f3u);
  float exponent = (float)e - (denormal ? 23.0f : 0.0f);
  float f = m - 1.0f;
  float p = 6.915368063e-02f;
  p = p * f - 1.178980769e-01f;
  p = p * f + 1.187297629e-01f;
  p = p * f - 1.238434847e-01f;
  p = p * f + 1.421865809e-01f;
  p = p * f - 1.666925082e-01f;
  p = p * f + 2.000222661e-01f;
  p = p * f - 2.499998660e-01f;
  p = p * f + 3.333331044e-01f;
  float square = f * f;
  float tail = p * (square * f) + exponent * 0x1.7f7d1cp-20f;
  tail = tail - 0.5f * square;
  float result = exponent * 0x1.62e400p-1f + (f + tail);
  result = x == INFINITY ? x : result;
  result = x == 0.0f ? -INFINITY : result;
  return x < 0.0f || x != x ? NAN : result;
}

// log(1 + x) for x > -1: log of the rounded sum, plus the rounding error of that sum to first order.
INLINE float log1p_1(float x) {
  float sum = 1.0f + x;
  float lost = x - (sum - 1.0f);
  float result = log_1(sum) + lost / sum;
  return sum == INFINITY || sum == 0.0f ? log_1(sum) : result;
}

// erfc(t) for t >= 0, as exp(t p(t)): accurate to 2^-23 in absolute terms.
INLINE float erfc_positive_1(float t) {
  float p = -1.323416046e-06f;
  p = p * t + 2.269286066e-05f;
  p = p * t - 1.731123748e-04f;
  p = p * t + 7.532410080e-04f;
  p = p * t - 1.815398454e-03f;
  p = p * t + 2.649244969e-04f;
  p = p * t + 1.911283583e-02f;
  p = p * t - 1.027702992e-01f;
  p = p * t - 6.366199041e-01f;
  p = p * t - 1.128379167e+00f;
  return exp_1(t * p);
}

INLINE float erf_1(float x) {
  float t = magnitude(x);
  float s = x * x;
  float p = 8.215423735e-05f;
  p = p * s - 8.105965126e-04f;
  p = p * s + 5.197797168e-03f;
  p = p * s - 2.685810429e-02f;
  p = p * s + 1.128367255e-01f;
  p = p * s - 3.761263229e-01f;
  p = p * s + 1.283791665e-01f;
  float near = p * x + x;
  float far = with_sign(1.0f - erfc_positive_1(t), x);
  return t < 0.9f ? near : x != x ? x : far;
}

INLINE float tanh_1(float x) {
  float t = magnitude(x);
  float s = x * x;
  float p = 2.064662199e-03f;
  p = p * s - 8.091964596e-03f;
  p = p * s + 2.166634515e-02f;
  p = p * s - 5.394056279e-02f;
  p = p * s + 1.333315789e-01f;
  p = p * s - 3.333332961e-01f;
  float near = p * (s * x) + x;
  float far = with_sign(1.0f - 2.0f / (exp_1(t + t) + 1.0f), x);
  return t < 0.6f ? near : x != x ? x : far;
}

INLINE float sigmoid_1(float x) {
  float e = exp_1(-magnitude(x));
  float upper = 1.0f / (1.0f + e);
  return x < 0.0f ? e * upper : upper;
}

INLINE float silu_1(float x) { return x * sigmoid_1(x); }

// x Φ(x), with Φ(x) = erfc(-x / √2) / 2 so that nothing cancels for negative x.
INLINE float gelu_1(float x) {
  float half_tail = 0.5f * erfc_positive_1(magnitude(x) * 0x1.6a09e6p-1f);
  return x * (x > 0.0f ? 1.0f - half_tail : half_tail);
}

// x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³))), as x sigmoid of twice the argument.
INLINE float gelu_tanh_1(float x) {
  float argument = 0x1.988454p+0f * x * (1.0f + 0.044715f * (x * x));
  return x * sigmoid_1(argument);
}

INLINE float softplus_1(float x) {
  float upper = x > 0.0f ? x : 0.0f;
  return x != x ? x : upper + log1p_1(exp_1(-magnitude(x)));
}

INLINE float relu_1(float x) { return x < 0.0f ? 0.0f : x; }
