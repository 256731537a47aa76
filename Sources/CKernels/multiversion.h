// How the loops of this room are compiled once per instruction set and chosen when the program loads.
#pragma once

// MULTIVERSION compiles a function for the baseline, for AVX2 with fused multiply-add, and for AVX-512.
// INLINE marks the functions such a loop is made of: they take the instruction set of their caller.
#if defined(__x86_64__) && defined(__linux__)
#define MULTIVERSION __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define MULTIVERSION
#endif
#define INLINE static inline __attribute__((always_inline))
