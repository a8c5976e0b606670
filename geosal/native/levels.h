/* What the smoothing of all types of samples shares: which levels lie where, and which samples count. */
#include "macros.h"

#define MAX_RADIUS 32
#define TILE 512     /* columns of a tile in work, which stays in the second-level cache */
#define STRIP 64     /* and its rows */
#define CELL_ROWS 4  /* levels are looked for in cells of so many rows, which are smoothed together */
#define CELL 64      /* and columns */
#define STRIDE (TILE + 2 * MAX_RADIUS)
#define DOWN_STRIDE (STRIDE + 32)  /* vectors may write beyond the last column */
#define ROWS (STRIP + 2 * MAX_RADIUS)

typedef struct {
    ptrdiff_t row, col, height, width;
    int radius;             /* highest level that is present */
    uint64_t present;       /* bit n: a pixel has level n */
} tile;

enum { NONE_VALID, SOME_VALID, ALL_VALID };
enum { CONSTANT_RADIUS, ANY_RADIUS };
#define CONSTANT_RADII 8  /* kernels that have code of their own: those of the paper's ladder */

/* Index of a pixel beyond the edge: d c b | a b c d | c b a. */
static inline ptrdiff_t mirror(ptrdiff_t at, ptrdiff_t length)
{
    const ptrdiff_t period = 2 * (length - 1);
    if (period == 0)
        return 0;
    at %= period;
    if (at < 0)
        at += period;
    return at < length ? at : period - at;
}

/* Which levels occur in each cell of a tile, those between lowest and highest; all others are bit 0. */
INLINE void look_for_levels(const smoothing *j, tile *t, uint64_t *cells)
{
    const uint64_t wanted = (((uint64_t)2 << j->highest) - 1) & ~(((uint64_t)1 << j->lowest) - 1);
    for (ptrdiff_t top = 0; top < t->height; top += CELL_ROWS)
        for (ptrdiff_t left = 0; left < t->width; left += CELL) {
            const ptrdiff_t rows = t->height - top < CELL_ROWS ? t->height - top : CELL_ROWS;
            const ptrdiff_t cols = t->width - left < CELL ? t->width - left : CELL;
            uint8_t lows[CELL], highs[CELL], low = 255, high = 0;
            const uint8_t *corner = j->levels + (t->row + top) * j->level_stride + t->col + left;
            if (cols == CELL) {
                /* Whole columns first, so that there is one reduction for all rows. */
                memcpy(lows, corner, CELL);
                memcpy(highs, corner, CELL);
                for (ptrdiff_t y = 1; y < rows; y++)
                    for (ptrdiff_t x = 0; x < CELL; x++) {
                        const uint8_t level = corner[y * j->level_stride + x];
                        lows[x] = level < lows[x] ? level : lows[x];
                        highs[x] = level > highs[x] ? level : highs[x];
                    }
                for (ptrdiff_t x = 0; x < CELL; x++) {
                    low = lows[x] < low ? lows[x] : low;
                    high = highs[x] > high ? highs[x] : high;
                }
            } else
                for (ptrdiff_t y = 0; y < rows; y++)
                    for (ptrdiff_t x = 0; x < cols; x++) {
                        const uint8_t level = corner[y * j->level_stride + x];
                        low = level < low ? level : low;
                        high = level > high ? level : high;
                    }
            uint64_t set = (uint64_t)1 << low | (uint64_t)1 << high;
            if (high > low + 1)
                for (ptrdiff_t y = 0; y < rows; y++) {
                    const uint8_t *levels = j->levels + (t->row + top + y) * j->level_stride + t->col + left;
                    for (ptrdiff_t x = 0; x < cols; x++)
                        set |= (uint64_t)1 << levels[x];
                }
            cells[top / CELL_ROWS * (TILE / CELL) + left / CELL] = (set & wanted) | ((set & ~wanted) != 0);
            t->present |= set & wanted;
        }
    if (t->present)
        t->radius = 63 - __builtin_clzll(t->present);
}

/* Whether the samples of a tile count, and those that a kernel reaches around it. */
INLINE int look_for_valid(const smoothing *j, const tile *t)
{
    const ptrdiff_t top = t->row > t->radius ? t->row - t->radius : 0;
    const ptrdiff_t left = t->col > t->radius ? t->col - t->radius : 0;
    ptrdiff_t bottom = t->row + t->height + t->radius, right = t->col + t->width + t->radius;
    bottom = bottom < j->height ? bottom : j->height;
    right = right < j->width ? right : j->width;
    uint8_t all = 1, any = 0;
    for (ptrdiff_t y = top; y < bottom; y++) {
        const uint8_t *valid = j->valid + y * j->valid_stride;
        const int inside = y >= t->row && y < t->row + t->height;
        for (ptrdiff_t x = left; x < right; x++)
            all &= valid[x];
        if (inside)
            for (ptrdiff_t x = t->col; x < t->col + t->width; x++)
                any |= valid[x];
    }
    return all ? ALL_VALID : any ? SOME_VALID : NONE_VALID;
}
