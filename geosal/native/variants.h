/* Includes FUNCTIONS once for each processor that it is worth it for, and tells which one this machine has. */
#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#define SUFFIX _v4
#define TARGET __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#define UNROLL 1
#define AVX2 0
#define VECTOR 64 /* bytes */
#include FUNCTIONS
#undef SUFFIX
#undef TARGET
#undef AVX2
#undef VECTOR
#define SUFFIX _v3
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define AVX2 1
#define VECTOR 32
#include FUNCTIONS
#undef SUFFIX
#undef TARGET
#undef AVX2
#undef VECTOR

/* 4 and 3: the levels of the x86-64 psABI, with AVX-512 and AVX2. */
int geosal_processor(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("x86-64-v4") ? 4 : __builtin_cpu_supports("x86-64-v3") ? 3 : 0;
}
#undef UNROLL
#define UNROLL 0  /* a processor that old need not be fast, and this compiles sooner */
#else
#define UNROLL 1
int geosal_processor(void)
{
    return 0;
}
#endif

#define SUFFIX _v0
#define TARGET
#define AVX2 0
#define VECTOR 16
#include FUNCTIONS
