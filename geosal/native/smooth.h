/* Smoothing of one band: a template, included once for each type of sample.
 *
 * Defined before it is included:
 *   NAME    prefix of its functions
 *   SAMPLE  type of a sample
 *   WORK    type of a sample in work; holds every SAMPLE exactly
 *   DOWN    type of the sums down the columns; of two samples in work, exactly
 *   ALONG   type of the sums along the rows
 *   TO_SAMPLE(x)  rounds an ALONG to a SAMPLE
 *   UNROLLED  1 to have code of its own for each kernel of the paper's ladder: faster, and much to compile
 *   BYTES   1 for the instructions of AVX2 for 8-bit samples (smooth_bytes.h); may be left out
 *   EXACT   1 when every sum is exact, so that a full window weighs exactly `unit` and the order does not matter.
 *           Otherwise the order is fixed: the centre, then pairs outwards; down the columns, then along the rows.
 */

#define FN(part) PASTE(NAME, part)
#ifndef BYTES
#define BYTES 0
#endif
#if BYTES
#define COLUMN int16_t                  /* type of a sum down the columns as it is stored */
#define SCALED float
#define STORED(x, flip) ((WORK)((x) ^ (flip)))  /* a sample in work, and back */
#define TAPS_DOWN &s->pairs
#define FLIP 128                        /* 0 to 255 are stored as -128 to 127 */
#define MISSING (256 * 256 * FLIP)      /* what sums of stored samples lack, with all weights */
#else
#define COLUMN ALONG
#define SCALED ALONG
#define STORED(x, flip) ((void)(flip), (WORK)(x))
#define TAPS_DOWN s->taps_down
#define FLIP 0
#define MISSING 0
#endif

typedef struct {
    WORK image[ROWS][STRIDE];       /* mirrored at the edge; stored as 0 is where a sample does not count */
    WORK count[ROWS][STRIDE];       /* 1 where a sample counts, else 0 */
    COLUMN down[CELL_ROWS][DOWN_STRIDE], weights_down[CELL_ROWS][DOWN_STRIDE];
    DOWN wide_down[STRIDE];
    ALONG sums[TILE], weights[TILE];
    SAMPLE values[DOWN_STRIDE];     /* of one row, before those of other levels are left out */
#if !EXACT
    float full[STRIDE], found[TILE];  /* samples that count, without weights */
#endif
    DOWN taps_down[MAX_RADIUS + 1];
    ALONG taps_along[MAX_RADIUS + 1];
#if BYTES
    tap_pairs pairs;
#endif
    uint64_t cells[STRIP / CELL_ROWS][TILE / CELL];  /* bit n: a pixel of the cell has level n */
    uint8_t full_rows[ROWS][TILE / CELL];            /* every sample of a row that a cell can reach counts */
    uint8_t full_cells[STRIP / CELL_ROWS][TILE / CELL];
} FN(_scratch);

/* Convolve columns [first, stop) of the rows of a cell down the columns; `radius` is a constant here, 8 at most. */
#if !BYTES
INLINE void FN(_down)(const WORK *restrict centre, const DOWN *restrict taps, const int radius, const ptrdiff_t first,
                      const ptrdiff_t stop, COLUMN (*restrict down)[DOWN_STRIDE])
{
#if TOGETHER
    /* All rows at once: each sample is loaded and converted once for all of them. */
    for (ptrdiff_t x = first; x < stop; x++) {
        DOWN near[CELL_ROWS + 2 * CONSTANT_RADII];
#pragma GCC unroll 24
        for (int i = 0; i < CELL_ROWS + 2 * radius; i++)
            near[i] = (DOWN)centre[x + (i - radius) * STRIDE];
#pragma GCC unroll 4
        for (int row = 0; row < CELL_ROWS; row++) {
            DOWN sum = taps[0] * near[row + radius];
#pragma GCC unroll 8
            for (int k = 1; k <= radius; k++)
                sum += taps[k] * (near[row + radius - k] + near[row + radius + k]);
            down[row][x + MAX_RADIUS] = (ALONG)sum;
        }
    }
#else
    for (int row = 0; row < CELL_ROWS; row++, centre += STRIDE)
        for (ptrdiff_t x = first; x < stop; x++) {
            DOWN sum = (DOWN)(taps[0] * (DOWN)centre[x]);
            for (int k = 1; k <= radius; k++)
                sum = (DOWN)(sum + taps[k] * (DOWN)((DOWN)centre[x - k * STRIDE] + (DOWN)centre[x + k * STRIDE]));
            down[row][x + MAX_RADIUS] = (ALONG)sum;
        }
#endif
}
#endif

INLINE ALONG FN(_along)(const COLUMN *restrict down, const ALONG *restrict taps, const int radius, const ptrdiff_t x)
{
    ALONG sum = taps[0] * down[x];
    for (int k = 1; k <= radius; k++)
        sum += taps[k] * ((ALONG)down[x - k] + (ALONG)down[x + k]);
    return sum;
}

/* Convolve columns [first, stop) of a row of work both ways, by a kernel of any radius; `flip` is that of its samples. */
INLINE void FN(_sums)(FN(_scratch) *s, const WORK *restrict centre, const int flip, const int radius, const ptrdiff_t first,
                      const ptrdiff_t stop, ALONG *restrict sums)
{
    DOWN *restrict down = s->wide_down + MAX_RADIUS;
    for (ptrdiff_t x = first - radius; x < stop + radius; x++)
        down[x] = (DOWN)(s->taps_down[0] * (DOWN)STORED(centre[x], flip));
    for (int k = 1; k <= radius; k++)
        for (ptrdiff_t x = first - radius; x < stop + radius; x++)
            down[x] = (DOWN)(down[x] +
                             s->taps_down[k] * (DOWN)((DOWN)STORED(centre[x - k * STRIDE], flip) +
                                                      (DOWN)STORED(centre[x + k * STRIDE], flip)));
    for (ptrdiff_t x = first; x < stop; x++)
        sums[x] = s->taps_along[0] * (ALONG)down[x];
    for (int k = 1; k <= radius; k++)
        for (ptrdiff_t x = first; x < stop; x++)
            sums[x] += s->taps_along[k] * ((ALONG)down[x - k] + (ALONG)down[x + k]);
}

/* Take the values of the pixels that have this level. */
INLINE void FN(_blend)(const SAMPLE *restrict values, const uint8_t *restrict levels, const int level,
                       const ptrdiff_t first, const ptrdiff_t stop, SAMPLE *restrict out)
{
    const uint8_t wanted = (uint8_t)level;
    for (ptrdiff_t x = first; x < stop; x++)
        out[x] = levels[x] == wanted ? values[x] : out[x];
}

#if BYTES
#include "smooth_bytes.h"
#else
/* Smooth columns [first, stop) of a row, where every sample in reach counts; `radius` is a constant here. */
INLINE void FN(_row)(FN(_scratch) *s, const smoothing *j, const int radius, const int row, const ptrdiff_t first,
                     const ptrdiff_t stop, const uint8_t *restrict levels, const uint64_t *sets, SAMPLE *restrict out)
{
    const ALONG *down = s->down[row % CELL_ROWS] + MAX_RADIUS;
    const uint64_t bit = (uint64_t)1 << radius;
    const ALONG scale = (ALONG)(1.0 / (j->unit * j->unit));
    /* Cells of this level alone are written at once, the others by way of `values`. */
    for (ptrdiff_t x = first; x < stop;) {
        const int pure = sets[x / CELL] == bit;
        ptrdiff_t end = x;
        while (end < stop && (sets[end / CELL] == bit) == pure)
            end += CELL;
        end = end < stop ? end : stop;
        SAMPLE *restrict to = pure ? out : s->values;
        for (ptrdiff_t at = x; at < end; at++)
            to[at] = TO_SAMPLE(FN(_along)(down, s->taps_along, radius, at) * scale);
        if (!pure)
            FN(_blend)(to, levels, radius, x, end, out);
        x = end;
    }
}

#endif

/* The same for any radius. */
INLINE void FN(_row_any)(FN(_scratch) *s, const smoothing *j, const int radius, const int row, const ptrdiff_t first,
                         const ptrdiff_t stop, const uint8_t *restrict levels, SAMPLE *restrict out)
{
    FN(_sums)(s, &s->image[row + MAX_RADIUS][MAX_RADIUS], FLIP, radius, first, stop, s->sums);
    const SCALED scale = (SCALED)(1.0 / (j->unit * j->unit));
    for (ptrdiff_t x = first; x < stop; x++)
        s->values[x] = TO_SAMPLE((SCALED)s->sums[x] * scale);
    FN(_blend)(s->values, levels, radius, first, stop, out);
}

/* Divide sums by weights, for the samples that count and have this level. */
INLINE void FN(_divide)(FN(_scratch) *s, const WORK *restrict count, const int level, const ptrdiff_t first,
                        const ptrdiff_t stop, const uint8_t *restrict levels, SAMPLE *restrict out)
{
    const uint8_t wanted = (uint8_t)level;
    for (ptrdiff_t x = first; x < stop; x++)
        s->values[x] = QUOTIENT(s->sums[x], s->weights[x] > 0 ? s->weights[x] : (ALONG)1);
    for (ptrdiff_t x = first; x < stop; x++)
        out[x] = levels[x] == wanted && count[x] != 0 ? s->values[x] : out[x];
}

#if !EXACT
/* The taps sum up to 1 only almost: a full window shall weigh 1 exactly, as it does where all samples count. */
INLINE void FN(_full_windows)(FN(_scratch) *s, const WORK *restrict count, const int radius, const ptrdiff_t first,
                              const ptrdiff_t stop)
{
    float *restrict full = s->full + MAX_RADIUS, *restrict found = s->found;
    for (ptrdiff_t x = first - radius; x < stop + radius; x++)
        full[x] = (float)count[x];
    for (int k = 1; k <= radius; k++)
        for (ptrdiff_t x = first - radius; x < stop + radius; x++)
            full[x] += (float)count[x - k * STRIDE] + (float)count[x + k * STRIDE];
    for (ptrdiff_t x = first; x < stop; x++)
        found[x] = full[x];
    for (int k = 1; k <= radius; k++)
        for (ptrdiff_t x = first; x < stop; x++)
            found[x] += full[x - k] + full[x + k];
    const float window = (float)((2 * radius + 1) * (2 * radius + 1));
    for (ptrdiff_t x = first; x < stop; x++)
        s->weights[x] = found[x] == window ? (ALONG)1 : s->weights[x];
}
#endif

/* Smooth columns [first, stop) of a row where some samples do not count: the sum of weight * sample over the sum of
 * weights. */
INLINE void FN(_row_valid)(FN(_scratch) *s, const int radius, const int way, const int row, const ptrdiff_t first,
                           const ptrdiff_t stop, const uint8_t *restrict levels, SAMPLE *restrict out)
{
    const WORK *restrict count = &s->count[row + MAX_RADIUS][MAX_RADIUS];
    if (way == ANY_RADIUS) {
        FN(_sums)(s, &s->image[row + MAX_RADIUS][MAX_RADIUS], FLIP, radius, first, stop, s->sums);
        FN(_sums)(s, count, 0, radius, first, stop, s->weights);
    } else {
        const COLUMN *restrict down = s->down[row % CELL_ROWS] + MAX_RADIUS;
        const COLUMN *restrict weights_down = s->weights_down[row % CELL_ROWS] + MAX_RADIUS;
        ALONG *restrict sums = s->sums, *restrict weights = s->weights;
        for (ptrdiff_t x = first; x < stop; x++)
            sums[x] = FN(_along)(down, s->taps_along, radius, x) + MISSING;
        for (ptrdiff_t x = first; x < stop; x++)
            weights[x] = FN(_along)(weights_down, s->taps_along, radius, x);
    }
#if !EXACT
    FN(_full_windows)(s, count, radius, first, stop);
#endif
    FN(_divide)(s, count, radius, first, stop, levels, out);
}

#include "smooth_fill.h"

/* Smooth columns [first, stop) of a row of cells; all of them are full, or none. */
TARGET INLINE void FN(_run)(FN(_scratch) *s, const smoothing *j, const tile *t, const int radius, const int way, const ptrdiff_t top,
                     const ptrdiff_t first, const ptrdiff_t stop)
{
    const int full = s->full_cells[top / CELL_ROWS][first / CELL];
    const ptrdiff_t bottom = top + CELL_ROWS < t->height ? top + CELL_ROWS : t->height;
    if (way == CONSTANT_RADIUS) {
        FN(_down)(&s->image[top + MAX_RADIUS][MAX_RADIUS], TAPS_DOWN, radius, first - radius, stop + radius, s->down);
        if (!full)
            FN(_down)(&s->count[top + MAX_RADIUS][MAX_RADIUS], TAPS_DOWN, radius, first - radius, stop + radius,
                      s->weights_down);
    }
    for (ptrdiff_t y = top; y < bottom; y++) {
        const uint8_t *levels = j->levels + (t->row + y) * j->level_stride + t->col;
        SAMPLE *out = (SAMPLE *)((char *)j->out + (t->row + y) * j->out_stride) + t->col;
        if (!full)
            FN(_row_valid)(s, radius, way, (int)y, first, stop, levels, out);
        else if (way == ANY_RADIUS)
            FN(_row_any)(s, j, radius, (int)y, first, stop, levels, out);
        else
            FN(_row)(s, j, radius, (int)y, first, stop, levels, s->cells[top / CELL_ROWS], out);
    }
}

/* Smooth the pixels of one level within a tile; `radius` is the level, and a constant where it is inlined as one. */
TARGET INLINE void FN(_level)(FN(_scratch) *s, const smoothing *j, const tile *t, const int radius, const int way)
{
    const uint64_t bit = (uint64_t)1 << radius;
    for (int k = 0; k <= radius; k++) {
        s->taps_down[k] = (DOWN)j->taps[radius * (MAX_RADIUS + 1) + k];
        s->taps_along[k] = (ALONG)j->taps[radius * (MAX_RADIUS + 1) + k];
    }
#if BYTES
    if (!pair_taps(s->taps_down, radius, &s->pairs))
        return; /* a kernel of one tap leaves all as it is */
#endif
    const ptrdiff_t cells = (t->width + CELL - 1) / CELL;
    for (ptrdiff_t top = 0; top < t->height; top += CELL_ROWS) {
        const uint64_t *sets = s->cells[top / CELL_ROWS];
        const uint8_t *full = s->full_cells[top / CELL_ROWS];
        for (ptrdiff_t cell = 0; cell < cells;) {
            if (!(sets[cell] & bit)) {
                cell++;
                continue;
            }
            const ptrdiff_t begin = cell;
            while (cell < cells && (sets[cell] & bit) && full[cell] == full[begin])
                cell++;
            FN(_run)(s, j, t, radius, way, top, begin * CELL, cell * CELL < t->width ? cell * CELL : t->width);
        }
    }
}

/* Functions of their own: one that held them all would take minutes to compile. */
TARGET static void FN(_level_any)(FN(_scratch) *s, const smoothing *j, const tile *t, const int level)
{
    FN(_level)(s, j, t, level, ANY_RADIUS);
}

#if UNROLLED
#define LEVEL(n)                                                                            \
    TARGET static void FN(_level_##n)(FN(_scratch) *s, const smoothing *j, const tile *t)         \
    {                                                                                       \
        FN(_level)(s, j, t, n, CONSTANT_RADIUS);                                            \
    }
LEVEL(1) LEVEL(2) LEVEL(3) LEVEL(4) LEVEL(5) LEVEL(6) LEVEL(7) LEVEL(8)
#undef LEVEL
#endif

static void FN(_levels)(FN(_scratch) *s, const smoothing *j, const tile *t)
{
    for (int level = j->lowest; level <= t->radius; level++) {
        if (!(t->present >> level & 1))
            continue;
        switch (level) {
#if UNROLLED
#define LEVEL(n) case n: FN(_level_##n)(s, j, t); break;
        LEVEL(1) LEVEL(2) LEVEL(3) LEVEL(4) LEVEL(5) LEVEL(6) LEVEL(7) LEVEL(8)
#undef LEVEL
#endif
        default: FN(_level_any)(s, j, t, level);
        }
    }
}

/* Returns 0, or 1 when there is no memory. */
TARGET int NAME(const smoothing *j)
{
    FN(_scratch) *s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    for (ptrdiff_t row = 0; row < j->height; row += STRIP)
        for (ptrdiff_t col = 0; col < j->width; col += TILE) {
            tile t = {row, col, j->height - row < STRIP ? j->height - row : STRIP,
                      j->width - col < TILE ? j->width - col : TILE, 0, 0};
            look_for_levels(j, &t, &s->cells[0][0]);
            if (!t.present)
                continue;
            const int validity = j->valid ? look_for_valid(j, &t) : ALL_VALID;
            if (validity == NONE_VALID)
                continue;
            FN(_fill)(s, j, &t, validity == SOME_VALID);
            if (validity == SOME_VALID)
                FN(_look_around)(s, &t);
            else
                memset(s->full_cells, 1, sizeof s->full_cells);
            FN(_levels)(s, j, &t);
        }
    free(s);
    return 0;
}

#undef NAME
#undef SAMPLE
#undef WORK
#undef DOWN
#undef ALONG
#undef TO_SAMPLE
#undef QUOTIENT
#undef TOGETHER
#undef EXACT
#undef UNROLLED
#undef BYTES
#undef COLUMN
#undef SCALED
#undef STORED
#undef FLIP
#undef MISSING
#undef TAPS_DOWN
#undef FN
