#include "CKernels.h"
#include "vector_math.h"

// Half precision by integer arithmetic, exact for normals, denormals, infinities and NaN.
INLINE float half_to_float_1(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
  uint32_t body = (uint32_t)(h & 0x7fffu) << 13;
  float normal = float_of(body + (112u << 23));
  float denormal = float_of(body + (113u << 23)) - 0x1p-14f;
  float special = float_of(body | 0x7f800000u);
  float result = body >= 0x0f800000u ? special : body < 0x00800000u ? denormal : normal;
  return float_of(bits_of(result) | sign);
}

// Rounds to nearest, ties to even; overflow gives infinity, NaN a quiet NaN.
INLINE uint16_t float_to_half_1(float x) {
  uint32_t u = bits_of(x);
  uint32_t sign = (u >> 16) & 0x8000u;
  uint32_t body = u & 0x7fffffffu;
  uint32_t normal = (body - (112u << 23) + 0x0fffu + ((body >> 13) & 1u)) >> 13;
  uint32_t denormal = bits_of(float_of(body) + 0.5f) - bits_of(0.5f);
  uint32_t special = body > 0x7f800000u ? 0x7e00u : 0x7c00u;
  uint32_t result = body >= 0x477ff000u ? special : body < 0x38800000u ? denormal : normal;
  return (uint16_t)(sign | result);
}

INLINE uint16_t float_to_bfloat16_1(float x) {
  uint32_t u = bits_of(x);
  uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  return (uint16_t)(x != x ? (u >> 16) | 0x40u : rounded);
}

MULTIVERSION void kernel_half_to_float(const uint16_t *x, float *y, size_t count) {
  EACH_ELEMENT y[i] = half_to_float_1(x[i]);
}

MULTIVERSION void kernel_float_to_half(const float *x, uint16_t *y, size_t count) {
  EACH_ELEMENT y[i] = float_to_half_1(x[i]);
}

MULTIVERSION void kernel_bfloat16_to_float(const uint16_t *x, float *y, size_t count) {
  EACH_ELEMENT y[i] = float_of((uint32_t)x[i] << 16);
}

MULTIVERSION void kernel_float_to_bfloat16(const float *x, uint16_t *y, size_t count) {
  EACH_ELEMENT y[i] = float_to_bfloat16_1(x[i]);
}
