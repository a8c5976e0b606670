#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "macros.h"

#define BLOCK 8      /* rows and columns of a block */
#define SAMPLES 64   /* of a block */
#define MCUS 16      /* in work: what they need stays in the first-level cache */
#define WIDEST (2 * BLOCK * MCUS)
#define MOST_BLOCKS 6
#define SIZES 11     /* of a coefficient in bits: 0 to 10 */
#define SYMBOLS 256
#define TABLES 4     /* Huffman tables: DC of luma and chroma, AC of luma and chroma */
#define LISTED (16 + SYMBOLS) /* bytes that list the codes of a table */
#define LANES ((int)(VECTOR / sizeof(float))) /* blocks that are shaped side by side */

/* Natural order of the coefficients to the order of the stream (ITU-T T.81, figure A.6): first row, then column. */
static const uint8_t ZIGZAG[SAMPLES] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* Where a coefficient lies when they go column by column. */
#define TURNED(natural) ((natural) % BLOCK * BLOCK + (natural) / BLOCK)

/* Bits of a magnitude. */
static inline int size_of(const int value)
{
    return value ? 32 - __builtin_clz((unsigned)(value < 0 ? -value : value)) : 0;
}

#define FUNCTIONS "jpeg_functions.h"
#include "variants.h"
