#include "common.h"

typedef struct {
    const void *pixels;
    const uint8_t *valid;  /* NULL: all samples count */
    void *out;
    ptrdiff_t pixel_stride, valid_stride, out_stride;  /* from row to row, in bytes */
    ptrdiff_t height, width;                           /* of the pixels */
} halving;

#define FUNCTIONS "tiles_functions.h"
#include "variants.h"
