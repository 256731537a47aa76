// The inner loops of rba-convert: float32 unless the name says otherwise, row-major, no allocation, no
// threads. Each loop is compiled for several instruction sets and chosen when the program loads; fused
// multiply-add makes the last bit differ between machines, never between runs, positions or lengths.
// Input and output may be the same array, but may not overlap otherwise, unless a section says more.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "conversion.h"
#include "convolution.h"
#include "elementwise.h"
#include "normalization.h"

#ifdef __cplusplus
}
#endif
