/* Wider samples: sums in float64 round, so their order is fixed (smooth.h), and this file is to be compiled with
 * -ffp-contract=off: fused products would round otherwise, and not in every loop. */
#define NAME NAMED(geosal_smooth_float32)
#define SAMPLE float
#define WORK float
#define DOWN double
#define ALONG double
#define TO_SAMPLE(x) ((float)(x))
#define EXACT 0
#define UNROLLED UNROLL
#define QUOTIENT(sum, weight) TO_SAMPLE((double)(sum) / (double)(weight))
#define TOGETHER 1
#include "smooth.h"

#define NAME NAMED(geosal_smooth_float64)
#define SAMPLE double
#define WORK double
#define DOWN double
#define ALONG double
#define TO_SAMPLE(x) (x)
#define EXACT 0
#define UNROLLED 0
#define QUOTIENT(sum, weight) TO_SAMPLE((double)(sum) / (double)(weight))
#define TOGETHER 1
#include "smooth.h"

#define NAME NAMED(geosal_smooth_int32)
#define SAMPLE int32_t
#define WORK double
#define DOWN double
#define ALONG double
#define TO_SAMPLE(x) ((int32_t)(int64_t)floor((x) + 0.5))
#define EXACT 0
#define UNROLLED 0
#define QUOTIENT(sum, weight) TO_SAMPLE((double)(sum) / (double)(weight))
#define TOGETHER 1
#include "smooth.h"

#define NAME NAMED(geosal_smooth_uint32)
#define SAMPLE uint32_t
#define WORK double
#define DOWN double
#define ALONG double
#define TO_SAMPLE(x) ((uint32_t)(int64_t)floor((x) + 0.5))
#define EXACT 0
#define UNROLLED 0
#define QUOTIENT(sum, weight) TO_SAMPLE((double)(sum) / (double)(weight))
#define TOGETHER 1
#include "smooth.h"
