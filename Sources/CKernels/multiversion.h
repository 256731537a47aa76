// How the loops of this room are compiled once per instruction set and chosen when the program loads.
#pragma once

#include <stddef.h>

// MULTIVERSION compiles a function for the baseline, for AVX2 with fused multiply-add, and for AVX-512.
// INLINE marks the functions such a loop is made of: they take the instruction set of their caller.
#if defined(__x86_64__) && defined(__linux__)
#define MULTIVERSION __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define MULTIVERSION
#endif
#define INLINE static inline __attribute__((always_inline))

// A loop over a contiguous run whose arrays are the same or do not overlap at all, as the headers demand:
// without this word the compiler checks, finds them the same, and takes one element at a time.
#define EACH_ELEMENT _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < count; i++)
