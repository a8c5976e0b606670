#include <float.h>

#include "common.h"

typedef struct {
    const void *pixels;
    const uint8_t *valid;  /* NULL: all samples count */
    void *out;
    ptrdiff_t pixel_stride, valid_stride, out_stride;  /* from row to row, in bytes */
    ptrdiff_t height, width;                           /* of the pixels */
} halving;

typedef struct {
    const void *pixels;
    const uint8_t *valid;   /* NULL: all samples count */
    const uint8_t *levels;
    void *out;
    ptrdiff_t pixel_stride, valid_stride, level_stride, out_stride;  /* from row to row, in bytes */
    ptrdiff_t height, width;
    const int32_t *exponents;        /* of integers: of each level's step, a power of two; 256 of them */
    const double *steps, *inverses;  /* of floats */
    const int32_t *limits;           /* largest error of each level, of integers */
    const double *errors;            /* and of floats */
    int coded;                       /* there is a nodata code */
    double nodata;
} quantising;

#define FUNCTIONS "tiles_functions.h"
#include "variants.h"
