#include "CKernels.h"
#include "vector_math.h"

// One contiguous loop per function; x and y may be the same array.
#define UNARY(name, expression)                                                     \
  MULTIVERSION void kernel_##name(const float *x, float *y, size_t count) {         \
    EACH_ELEMENT {                                                                  \
      float v = x[i];                                                               \
      y[i] = (expression);                                                          \
    }                                                                               \
  }

#define UNARY_OF_ONE(name, expression)                                                  \
  MULTIVERSION void kernel_##name(const float *x, float *y, size_t count, float a) {    \
    EACH_ELEMENT {                                                                      \
      float v = x[i];                                                                   \
      y[i] = (expression);                                                              \
    }                                                                                   \
  }

#define UNARY_OF_TWO(name, expression)                                                  \
  MULTIVERSION void kernel_##name(const float *x, float *y, size_t count, float a, float b) {\
    EACH_ELEMENT {                                                                      \
      float v = x[i];                                                                   \
      y[i] = (expression);                                                              \
    }                                                                                   \
  }

UNARY(exp, exp_1(v))
UNARY(log, log_1(v))
UNARY(erf, erf_1(v))
UNARY(tanh, tanh_1(v))
UNARY(sigmoid, sigmoid_1(v))
UNARY(silu, silu_1(v))
UNARY(gelu, gelu_1(v))
UNARY(gelu_tanh, gelu_tanh_1(v))
UNARY(softplus, softplus_1(v))
UNARY(mish, v * tanh_1(softplus_1(v)))
UNARY(relu, relu_1(v))
UNARY(softsign, v / (1.0f + magnitude(v)))
UNARY(hard_swish, v * fminf(fmaxf(v * (1.0f / 6.0f) + 0.5f, 0.0f), 1.0f))
UNARY(sqrt, sqrtf(v))
UNARY(reciprocal, 1.0f / v)
UNARY(reciprocal_sqrt, 1.0f / sqrtf(v))
UNARY(square, v * v)
UNARY(abs, magnitude(v))
UNARY(negate, -v)
UNARY(floor, floorf(v))
UNARY(ceil, ceilf(v))
UNARY(round_to_even, rintf(v))

UNARY_OF_ONE(leaky_relu, v < 0.0f ? a * v : v)
UNARY_OF_ONE(elu, v < 0.0f ? a * (exp_1(v) - 1.0f) : v)
UNARY_OF_TWO(selu, b * (v < 0.0f ? a * (exp_1(v) - 1.0f) : v))
UNARY_OF_TWO(hard_sigmoid, v != v ? v : fminf(fmaxf(a * v + b, 0.0f), 1.0f))
UNARY_OF_ONE(thresholded_relu, v > a ? v : v != v ? v : 0.0f)
UNARY_OF_TWO(clip, v < a ? (b < a ? b : a) : (v > b ? b : v))
UNARY_OF_TWO(scale_and_shift, a * v + b)
UNARY_OF_ONE(quick_gelu, v * sigmoid_1(a * v))
