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
 *   EXACT   1 when every sum is exact, so that a full window weighs exactly `unit` and the order does not matter.
 *           Otherwise the order is fixed: the centre, then pairs outwards; down the columns, then along the rows.
 */

#define FN(part) PASTE(NAME, part)

typedef struct {
    WORK image[ROWS][STRIDE];       /* mirrored at the edge; 0 where a sample does not count */
    WORK count[ROWS][STRIDE];       /* 1 where a sample counts, else 0 */
    ALONG down[STRIDE];
    DOWN wide_down[STRIDE];
    ALONG sums[TILE], weights[TILE];
    SAMPLE values[TILE];            /* of one row, before those of other levels are left out */
#if !EXACT
    float full[STRIDE], found[TILE];  /* samples that count, without weights */
#endif
    DOWN taps_down[MAX_RADIUS + 1];
    ALONG taps_along[MAX_RADIUS + 1];
    uint64_t cells[STRIP / CELL_ROWS][TILE / CELL];  /* bit n: a pixel of the cell has level n */
} FN(_scratch);

/* Convolve columns [first, stop) of a row of work down the columns. */
INLINE void FN(_down)(const WORK *restrict centre, const DOWN *restrict taps, const int radius, const ptrdiff_t first,
                      const ptrdiff_t stop, ALONG *restrict down)
{
    for (ptrdiff_t x = first; x < stop; x++) {
        DOWN sum = (DOWN)(taps[0] * (DOWN)centre[x]);
        for (int k = 1; k <= radius; k++)
            sum = (DOWN)(sum + taps[k] * (DOWN)((DOWN)centre[x - k * STRIDE] + (DOWN)centre[x + k * STRIDE]));
        down[x] = (ALONG)sum;
    }
}

INLINE ALONG FN(_along)(const ALONG *restrict down, const ALONG *restrict taps, const int radius, const ptrdiff_t x)
{
    ALONG sum = taps[0] * down[x];
    for (int k = 1; k <= radius; k++)
        sum += taps[k] * (down[x - k] + down[x + k]);
    return sum;
}

/* Convolve columns [first, stop) of a row of work both ways, by a kernel of any radius. */
INLINE void FN(_sums)(FN(_scratch) *s, const WORK *restrict centre, const int radius, const ptrdiff_t first,
                      const ptrdiff_t stop, ALONG *restrict sums)
{
    DOWN *restrict down = s->wide_down + MAX_RADIUS;
    for (ptrdiff_t x = first - radius; x < stop + radius; x++)
        down[x] = (DOWN)(s->taps_down[0] * (DOWN)centre[x]);
    for (int k = 1; k <= radius; k++)
        for (ptrdiff_t x = first - radius; x < stop + radius; x++)
            down[x] = (DOWN)(down[x] +
                             s->taps_down[k] * (DOWN)((DOWN)centre[x - k * STRIDE] + (DOWN)centre[x + k * STRIDE]));
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

/* Smooth columns [first, stop) of a row, where every sample in reach counts; `radius` is a constant here. */
INLINE void FN(_row)(FN(_scratch) *s, const job *j, const int radius, const int row, const ptrdiff_t first,
                     const ptrdiff_t stop, const uint8_t *restrict levels, const uint64_t *sets, SAMPLE *restrict out)
{
    ALONG *down = s->down + MAX_RADIUS;
    FN(_down)(&s->image[row + MAX_RADIUS][MAX_RADIUS], s->taps_down, radius, first - radius, stop + radius, down);
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

/* The same for any radius. */
INLINE void FN(_row_any)(FN(_scratch) *s, const job *j, const int radius, const int row, const ptrdiff_t first,
                         const ptrdiff_t stop, const uint8_t *restrict levels, SAMPLE *restrict out)
{
    FN(_sums)(s, &s->image[row + MAX_RADIUS][MAX_RADIUS], radius, first, stop, s->sums);
    const ALONG scale = (ALONG)(1.0 / (j->unit * j->unit));
    for (ptrdiff_t x = first; x < stop; x++)
        s->values[x] = TO_SAMPLE(s->sums[x] * scale);
    FN(_blend)(s->values, levels, radius, first, stop, out);
}

/* The same where some samples do not count: the sum of weight * sample over the sum of weights. */
INLINE void FN(_row_valid)(FN(_scratch) *s, const int radius, const int row, const ptrdiff_t first, const ptrdiff_t stop,
                           const uint8_t *restrict levels, SAMPLE *restrict out)
{
    const WORK *restrict count = &s->count[row + MAX_RADIUS][MAX_RADIUS];
    FN(_sums)(s, &s->image[row + MAX_RADIUS][MAX_RADIUS], radius, first, stop, s->sums);
    FN(_sums)(s, count, radius, first, stop, s->weights);
#if !EXACT
    /* The taps sum up to 1 only almost: a full window shall weigh 1 exactly, as it does where all samples count. */
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
#endif
    for (ptrdiff_t x = first; x < stop; x++) {
        const double weight = (double)s->weights[x];
        const SAMPLE value = TO_SAMPLE_WIDE((double)s->sums[x] / (weight > 0 ? weight : 1.0));
        s->values[x] = count[x] != 0 ? value : out[x];
    }
    FN(_blend)(s->values, levels, radius, first, stop, out);
}

/* Fill the tile in work, radius pixels more on each side, mirrored at the edge of the band. */
INLINE void FN(_fill)(FN(_scratch) *s, const job *j, const tile *t, const int with_count)
{
    const int r = t->radius;
    for (ptrdiff_t dy = -r; dy < t->height + r; dy++) {
        const ptrdiff_t y = mirror(t->row + dy, j->height);
        const SAMPLE *restrict from = (const SAMPLE *)((const char *)j->pixels + y * j->pixel_stride);
        WORK *restrict to = &s->image[dy + MAX_RADIUS][MAX_RADIUS];
        const ptrdiff_t left = t->col < r ? t->col : r;
        ptrdiff_t right = j->width - t->col - t->width;
        right = right < r ? right : r;
        for (ptrdiff_t x = -left; x < t->width + right; x++)
            to[x] = (WORK)from[t->col + x];
        for (ptrdiff_t x = -r; x < -left; x++)
            to[x] = (WORK)from[mirror(t->col + x, j->width)];
        for (ptrdiff_t x = t->width + right; x < t->width + r; x++)
            to[x] = (WORK)from[mirror(t->col + x, j->width)];
        if (!with_count)
            continue;
        const uint8_t *restrict valid = j->valid + y * j->valid_stride;
        WORK *restrict count = &s->count[dy + MAX_RADIUS][MAX_RADIUS];
        for (ptrdiff_t x = -left; x < t->width + right; x++) {
            count[x] = (WORK)(valid[t->col + x] != 0);
            to[x] = valid[t->col + x] ? to[x] : (WORK)0;
        }
        for (ptrdiff_t x = -r; x < t->width + r; x++)
            if (x < -left || x >= t->width + right) {
                const ptrdiff_t at = mirror(t->col + x, j->width);
                count[x] = (WORK)(valid[at] != 0);
                to[x] = valid[at] ? to[x] : (WORK)0;
            }
    }
}

/* Smooth the pixels of one level within a tile; `radius` is the level, and a constant where it is inlined as one. */
INLINE void FN(_level)(FN(_scratch) *s, const job *j, const tile *t, const int radius, const int way)
{
    const uint64_t bit = (uint64_t)1 << radius;
    for (int k = 0; k <= radius; k++) {
        s->taps_down[k] = (DOWN)j->taps[radius * (MAX_RADIUS + 1) + k];
        s->taps_along[k] = (ALONG)j->taps[radius * (MAX_RADIUS + 1) + k];
    }
    const ptrdiff_t cells = (t->width + CELL - 1) / CELL;
    for (ptrdiff_t top = 0; top < t->height; top += CELL_ROWS) {
        const uint64_t *sets = s->cells[top / CELL_ROWS];
        const ptrdiff_t bottom = top + CELL_ROWS < t->height ? top + CELL_ROWS : t->height;
        for (ptrdiff_t cell = 0; cell < cells;) {
            if (!(sets[cell] & bit)) {
                cell++;
                continue;
            }
            const ptrdiff_t begin = cell;
            while (cell < cells && (sets[cell] & bit))
                cell++;
            const ptrdiff_t first = begin * CELL, stop = cell * CELL < t->width ? cell * CELL : t->width;
            for (ptrdiff_t y = top; y < bottom; y++) {
                const uint8_t *levels = j->levels + (t->row + y) * j->level_stride + t->col;
                SAMPLE *out = (SAMPLE *)((char *)j->out + (t->row + y) * j->out_stride) + t->col;
                if (way == WITH_COUNT)
                    FN(_row_valid)(s, radius, (int)y, first, stop, levels, out);
                else if (way == ANY_RADIUS)
                    FN(_row_any)(s, j, radius, (int)y, first, stop, levels, out);
                else
                    FN(_row)(s, j, radius, (int)y, first, stop, levels, sets, out);
            }
        }
    }
}

/* Functions of their own: one that held them all would take minutes to compile. */
TARGET static void FN(_level_any)(FN(_scratch) *s, const job *j, const tile *t, const int level)
{
    FN(_level)(s, j, t, level, ANY_RADIUS);
}

TARGET static void FN(_level_valid)(FN(_scratch) *s, const job *j, const tile *t, const int level)
{
    FN(_level)(s, j, t, level, WITH_COUNT);
}

#if UNROLLED
#define LEVEL(n)                                                                            \
    TARGET static void FN(_level_##n)(FN(_scratch) *s, const job *j, const tile *t)         \
    {                                                                                       \
        FN(_level)(s, j, t, n, CONSTANT_RADIUS);                                            \
    }
LEVEL(1) LEVEL(2) LEVEL(3) LEVEL(4) LEVEL(5) LEVEL(6) LEVEL(7) LEVEL(8)
#undef LEVEL
#endif

static void FN(_levels)(FN(_scratch) *s, const job *j, const tile *t, const int with_count)
{
    for (int level = j->lowest; level <= t->radius; level++) {
        if (!(t->present >> level & 1))
            continue;
        if (with_count) {
            FN(_level_valid)(s, j, t, level);
            continue;
        }
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
TARGET int NAME(const job *j)
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
            FN(_levels)(s, j, &t, validity == SOME_VALID);
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
#undef TO_SAMPLE_WIDE
#undef EXACT
#undef UNROLLED
#undef FN
