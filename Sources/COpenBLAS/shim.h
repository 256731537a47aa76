// OpenBLAS as Debian ships it: cblas, the thread setting, and the few LAPACK routines the fits call.
#pragma once
#include <cblas.h>

// LAPACK, Fortran interface, column-major, 32-bit integers. `info` < 0: argument -info is illegal.
// Hidden string lengths are omitted as every x86-64 C caller of LAPACK does for one-letter arguments.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info);
void dgelsd_(const int *m, const int *n, const int *nrhs, double *a, const int *lda, double *b,
             const int *ldb, double *s, const double *rcond, int *rank, double *work,
             const int *lwork, int *iwork, int *info);
