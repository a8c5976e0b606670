/* 8 and 16-bit samples: the taps are whole multiples of a power of two, so every product and every sum is exact, in
 * any order, fused or not (geosal/smoothing/weights.py). */
#define NAME NAMED(geosal_smooth_uint8)
#define SAMPLE uint8_t
#if AVX2
#define WORK uint8_t
#define ALONG int32_t
#define BYTES 1
#else
#define WORK uint16_t
#define ALONG float
#endif
#define DOWN uint16_t
#define TO_SAMPLE(x) ((uint8_t)(int32_t)((x) + 0.5f))
#define EXACT 1
#define UNROLLED UNROLL
#define QUOTIENT(sum, weight) quotient8((float)(sum), (float)(weight))
#define TOGETHER 0
#include "smooth.h"

#define NAME NAMED(geosal_smooth_uint8_fine)
#define SAMPLE uint8_t
#define WORK float
#define DOWN double
#define ALONG double
#define TO_SAMPLE(x) ((uint8_t)(int32_t)((x) + 0.5))
#define EXACT 1
#define UNROLLED 0
#define QUOTIENT(sum, weight) TO_SAMPLE((double)(sum) / (double)(weight))
#define TOGETHER 1
#include "smooth.h"

#define NAME NAMED(geosal_smooth_uint16)
#define SAMPLE uint16_t
#define WORK float
#define DOWN double
#define ALONG double
#define TO_SAMPLE(x) ((uint16_t)(int32_t)((x) + 0.5))
#define EXACT 1
#define UNROLLED UNROLL
#define QUOTIENT(sum, weight) TO_SAMPLE((double)(sum) / (double)(weight))
#define TOGETHER 1
#include "smooth.h"

#define NAME NAMED(geosal_smooth_int16)
#define SAMPLE int16_t
#define WORK float
#define DOWN double
#define ALONG double
#define TO_SAMPLE(x) ((int16_t)((int32_t)((x) + 32768.5) - 32768))
#define EXACT 1
#define UNROLLED UNROLL
#define QUOTIENT(sum, weight) TO_SAMPLE((double)(sum) / (double)(weight))
#define TOGETHER 1
#include "smooth.h"
