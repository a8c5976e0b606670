/* What the functions are handed: jobs.py has the same structures, field by field. */
#include <stddef.h>
#include <stdint.h>

/* One band, all levels (smooth.h). */
typedef struct {
    const void *pixels;
    const uint8_t *valid;   /* NULL: all samples count */
    const uint8_t *levels;
    void *out;              /* holds a copy of the pixels; what is smoothed is written over it */
    ptrdiff_t pixel_stride, valid_stride, level_stride, out_stride;  /* from row to row, in bytes */
    ptrdiff_t height, width;
    int lowest, highest;    /* levels to smooth; all others are left alone */
    const double *taps;     /* row n: those of level n from the centre outwards, MAX_RADIUS + 1 of them */
    double unit;            /* sum of all taps of a level, both sides */
} smoothing;

/* The next overview of one band (halve.h). */
typedef struct {
    const void *pixels;
    const uint8_t *valid;  /* NULL: all samples count */
    void *out;
    ptrdiff_t pixel_stride, valid_stride, out_stride;  /* from row to row, in bytes */
    ptrdiff_t height, width;                           /* of the pixels */
} halving;

/* One band, each sample to a multiple of its level's step (quantise.h). */
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

/* Differences between two bands, by level (differences.h). */
typedef struct {
    const void *first, *second;
    const uint8_t *valid;   /* NULL: all samples count */
    const uint8_t *levels;  /* NULL: all samples are of level 0 */
    ptrdiff_t first_stride, second_stride, valid_stride, level_stride;  /* from row to row, in bytes */
    ptrdiff_t height, width;
    int count;              /* levels below it are told apart; others are left out */
    void *sums;             /* `count` of them, each zero */
} differing;

/* Two bands, window by window (compare_functions.h). */
typedef struct {
    const void *first, *second;
    const uint8_t *valid;   /* NULL: all samples count */
    const uint8_t *levels;  /* of the full resolution, from the first centre on; NULL: all are of level 0 */
    ptrdiff_t first_stride, second_stride, valid_stride, level_stride;
    ptrdiff_t top, left, bottom, right;  /* centres of windows, all of which lie inside the arrays */
    ptrdiff_t scale;        /* rows and columns of the full resolution in a pixel, MOST_SCALE at most */
    int kind, count;        /* of the samples; levels below count are told apart */
    const double *taps;     /* REACH + 1, from the centre outwards */
    double luminance, contrast;  /* twice the constants C1 and C2 */
    double pivot;           /* near the samples: variances of numbers that are large and alike keep their digits */
    int64_t *windows;       /* of each level: sums, each zero at first */
    double *similarities, *contrasts;
} comparing;

/* Means of 2 x 2 pixels, as doubles (compare_functions.h). */
typedef struct {
    const void *pixels;
    const uint8_t *valid;  /* NULL: all samples count */
    double *out;
    ptrdiff_t pixel_stride, valid_stride, out_stride;
    ptrdiff_t height, width;  /* of the pixels */
    int kind;
} pooling;

/* Pixels to quantised coefficients (jpeg_functions.h). */
typedef struct {
    const uint8_t *pixels;             /* bands, rows, columns */
    ptrdiff_t band_stride, row_stride; /* in bytes; columns lie side by side */
    ptrdiff_t height, width;
    int bands, side;                   /* 1 or 3; blocks of luma along each side of an MCU */
    ptrdiff_t mcu_rows, mcu_cols;
    const uint16_t *tables;            /* of luma and of chroma, row by row */
    const float *weights;              /* of each MCU, what a bit may cost; NULL: only round */
    double price;                      /* what a bit may cost for a step of 1 */
    const uint8_t *lengths;            /* of the codes of AC symbols that bits are counted by, luma and chroma */
    int16_t *out;                      /* MCU rows, MCUs, blocks, coefficients in zigzag order */
} quantising_blocks;

/* Coefficients to counts of symbols (jpeg_code.h). */
typedef struct {
    const int16_t *coefficients;       /* MCU rows, MCUs, blocks, coefficients in zigzag order */
    ptrdiff_t mcu_rows, mcu_cols;
    int blocks;                        /* of an MCU: 1, 3 or 6 */
    uint32_t *counts;                  /* of symbols: DC of luma and chroma, AC of luma and chroma */
} counting_symbols;

/* Coefficients to bits (jpeg_code.h). */
typedef struct {
    const int16_t *coefficients;
    ptrdiff_t mcus;
    int blocks;
    const uint32_t *codes;             /* code << 8 | length in bits, of the four tables; 0: there is none */
    uint8_t *out;                      /* room for MOST_BYTES of each block */
} coding_segment;
