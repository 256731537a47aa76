#include "CKernels.h"
#include "vector_math.h"

// numpy's minimum and maximum: NaN wins.
INLINE float minimum_1(float a, float b) { return a < b || a != a ? a : b; }
INLINE float maximum_1(float a, float b) { return a > b || a != a ? a : b; }

#define BINARY(name, expression)                                                              \
  MULTIVERSION void kernel_##name(const float *x, const float *y, float *z, size_t count) {   \
    EACH_ELEMENT {                                                                            \
      float a = x[i], b = y[i];                                                               \
      z[i] = (expression);                                                                    \
    }                                                                                         \
  }                                                                                           \
  MULTIVERSION void kernel_##name##_scalar(const float *x, float b, float *z, size_t count) { \
    EACH_ELEMENT {                                                                            \
      float a = x[i];                                                                         \
      z[i] = (expression);                                                                    \
    }                                                                                         \
  }                                                                                           \
  MULTIVERSION void kernel_scalar_##name(float a, const float *y, float *z, size_t count) {   \
    EACH_ELEMENT {                                                                            \
      float b = y[i];                                                                         \
      z[i] = (expression);                                                                    \
    }                                                                                         \
  }

BINARY(add, a + b)
BINARY(subtract, a - b)
BINARY(multiply, a * b)
BINARY(divide, a / b)
BINARY(minimum, minimum_1(a, b))
BINARY(maximum, maximum_1(a, b))
BINARY(prelu, a < 0.0f ? a * b : a)

// Powers go through libm, whose special cases are those of the specification.
void kernel_power(const float *x, const float *y, float *z, size_t count) {
  for (size_t i = 0; i < count; i++) z[i] = powf(x[i], y[i]);
}

MULTIVERSION void kernel_power_scalar(const float *x, float b, float *z, size_t count) {
  if (b == 2.0f) {
    EACH_ELEMENT z[i] = x[i] * x[i];
  } else if (b == 3.0f) {
    EACH_ELEMENT z[i] = x[i] * x[i] * x[i];
  } else if (b == 1.0f) {
    EACH_ELEMENT z[i] = x[i];
  } else if (b == -1.0f) {
    EACH_ELEMENT z[i] = 1.0f / x[i];
  } else if (b == 0.5f) {
    // powf(-0, 1/2) is +0 and powf(-inf, 1/2) is +inf, unlike sqrtf.
    EACH_ELEMENT z[i] = x[i] == -INFINITY ? INFINITY : sqrtf(x[i]) + 0.0f;
  } else {
    for (size_t i = 0; i < count; i++) z[i] = powf(x[i], b);
  }
}

void kernel_scalar_power(float a, const float *y, float *z, size_t count) {
  for (size_t i = 0; i < count; i++) z[i] = powf(a, y[i]);
}

MULTIVERSION void kernel_epilogue_row(const float *bias, float shift, const float *residual, float *y,
                                      size_t count) {
  if (bias && residual) {
    EACH_ELEMENT y[i] = y[i] + (bias[i] + shift) + residual[i];
  } else if (bias) {
    EACH_ELEMENT y[i] = y[i] + (bias[i] + shift);
  } else if (residual) {
    EACH_ELEMENT y[i] = y[i] + shift + residual[i];
  } else {
    EACH_ELEMENT y[i] = y[i] + shift;
  }
}

MULTIVERSION void kernel_scale_and_shift_rows(const float *x, float *y, size_t count,
                                              const float *scale, const float *shift, size_t rows) {
  for (size_t row = 0; row < rows; row++) {
    float s = scale[row], t = shift[row];
    EACH_ELEMENT y[row * count + i] = s * x[row * count + i] + t;
  }
}
