#include "macros.h"

#define LANES 8

typedef struct {
    uint64_t count, squared[2], absolute, largest;  /* squared: the low half first */
} whole_sums;

typedef struct {
    uint64_t count;
    double squared, absolute, largest, unused;
} real_sums;

#define REACH 5  /* of a window of 11 pixels */
#define SPAN 64  /* columns in work: eleven rows of the four filtered maps stay in the first-level cache */
#define DEEP 64  /* rows in work */
#define IN (SPAN + 2 * REACH)
#define MOST_SCALE 16

enum { UINT8, UINT16, INT16, UINT32, INT32, FLOAT32, FLOAT64 };
enum { SUM, DIFFERENCE, SUM_SQUARED, DIFFERENCE_SQUARED, MAPS };

typedef struct {
    double along[DEEP + 2 * REACH][MAPS][SPAN];
    double lines[MAPS][IN];
    double first[IN], second[IN];
    double similarity[SPAN], contrast[SPAN];
    double wide_similarity[SPAN * MOST_SCALE], wide_contrast[SPAN * MOST_SCALE];
    uint8_t full[DEEP + 2 * REACH][SPAN], full_down[SPAN];  /* every sample of a window counts */
    uint8_t wide_full[SPAN * MOST_SCALE], codes[SPAN * MOST_SCALE];
} comparing_scratch;

#define POOLED 256  /* columns of the result in work */

/* How many of some codes are equal to the first one. */
static inline ptrdiff_t run_of(const uint8_t *codes, const ptrdiff_t count)
{
    const uint64_t eight = codes[0] * (uint64_t)0x0101010101010101;
    ptrdiff_t x = 1;
    for (uint64_t next; x + 8 <= count; x += 8) {
        memcpy(&next, codes + x, 8);
        if (next != eight)
            break;
    }
    while (x < count && codes[x] == codes[0])
        x++;
    return x;
}

#define FUNCTIONS "compare_functions.h"
#include "variants.h"
