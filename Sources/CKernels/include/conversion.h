// Copies that change the layout or the element type.
#pragma once

#include <stddef.h>
#include <stdint.h>

// IEEE half and bfloat16, rounding to nearest, ties to even.
void kernel_half_to_float(const uint16_t *x, float *y, size_t count);
void kernel_float_to_half(const float *x, uint16_t *y, size_t count);
void kernel_bfloat16_to_float(const uint16_t *x, float *y, size_t count);
void kernel_float_to_bfloat16(const float *x, uint16_t *y, size_t count);

// y[i] = x[i * stride], for elements of 8, 16, 32 and 64 bits; the stride counts elements.
void kernel_copy_strided_8(const void *x, ptrdiff_t stride, void *y, size_t count);
void kernel_copy_strided_16(const void *x, ptrdiff_t stride, void *y, size_t count);
void kernel_copy_strided_32(const void *x, ptrdiff_t stride, void *y, size_t count);
void kernel_copy_strided_64(const void *x, ptrdiff_t stride, void *y, size_t count);

// y[c * y_stride + r] = x[r * x_stride + c], for [rows, columns]; x and y must not overlap.
void kernel_transpose_8(const void *x, size_t x_stride, void *y, size_t y_stride, size_t rows,
                         size_t columns);
void kernel_transpose_16(const void *x, size_t x_stride, void *y, size_t y_stride, size_t rows,
                         size_t columns);
void kernel_transpose_32(const void *x, size_t x_stride, void *y, size_t y_stride, size_t rows,
                         size_t columns);
void kernel_transpose_64(const void *x, size_t x_stride, void *y, size_t y_stride, size_t rows,
                         size_t columns);
