/* Part of smooth.h: the samples of a tile in work, and which of them count. */

/* Fill the tile in work, radius pixels more on each side, mirrored at the edge of the band. */
INLINE void FN(_fill)(FN(_scratch) *s, const smoothing *j, const tile *t, const int with_count)
{
    /* Bounds of their own: a byte that is written might be one of the tile's, for all that a compiler knows. */
    const ptrdiff_t r = t->radius, width = t->width, bottom = t->height + r;
    const ptrdiff_t left = t->col < r ? t->col : r, beyond = j->width - t->col - width;
    const ptrdiff_t right = width + (beyond < r ? beyond : r);
    for (ptrdiff_t dy = -r; dy < bottom; dy++) {
        const ptrdiff_t y = mirror(t->row + dy, j->height);
        const SAMPLE *restrict from = (const SAMPLE *)((const char *)j->pixels + y * j->pixel_stride) + t->col;
        WORK *restrict to = &s->image[dy + MAX_RADIUS][MAX_RADIUS];
        for (ptrdiff_t x = -left; x < right; x++)
            to[x] = STORED(from[x], FLIP);
        for (ptrdiff_t x = -r; x < -left; x++)
            to[x] = STORED(from[mirror(t->col + x, j->width) - t->col], FLIP);
        for (ptrdiff_t x = right; x < width + r; x++)
            to[x] = STORED(from[mirror(t->col + x, j->width) - t->col], FLIP);
        if (!with_count)
            continue;
        const uint8_t *restrict valid = j->valid + y * j->valid_stride + t->col;
        WORK *restrict count = &s->count[dy + MAX_RADIUS][MAX_RADIUS];
        for (ptrdiff_t x = -left; x < right; x++)
            count[x] = (WORK)(valid[x] != 0);
        for (ptrdiff_t x = -r; x < -left; x++)
            count[x] = (WORK)(valid[mirror(t->col + x, j->width) - t->col] != 0);
        for (ptrdiff_t x = right; x < width + r; x++)
            count[x] = (WORK)(valid[mirror(t->col + x, j->width) - t->col] != 0);
        for (ptrdiff_t x = -r; x < width + r; x++)
            to[x] = count[x] != 0 ? to[x] : STORED(0, FLIP);
    }
}

/* Find the cells that no sample that does not count can reach, and those without one that does. */
INLINE void FN(_look_around)(FN(_scratch) *s, const tile *t)
{
    const ptrdiff_t cells = (t->width + CELL - 1) / CELL, r = t->radius;
    for (ptrdiff_t y = -r; y < t->height + r; y++)
        for (ptrdiff_t cell = 0; cell < cells; cell++) {
            const WORK *restrict count = &s->count[y + MAX_RADIUS][MAX_RADIUS];
            const ptrdiff_t stop = (cell + 1) * CELL < t->width ? (cell + 1) * CELL : t->width;
            WORK least = 1;
            for (ptrdiff_t x = cell * CELL - r; x < stop + r; x++)
                least = count[x] < least ? count[x] : least;
            s->full_rows[y + MAX_RADIUS][cell] = least != 0;
        }
    for (ptrdiff_t top = 0; top < t->height; top += CELL_ROWS)
        for (ptrdiff_t cell = 0; cell < cells; cell++) {
            const ptrdiff_t bottom = top + CELL_ROWS < t->height ? top + CELL_ROWS : t->height;
            const ptrdiff_t stop = (cell + 1) * CELL < t->width ? (cell + 1) * CELL : t->width;
            uint8_t all = 1;
            for (ptrdiff_t y = top - r; y < bottom + r; y++)
                all &= s->full_rows[y + MAX_RADIUS][cell];
            WORK most = all;
            for (ptrdiff_t y = top; y < bottom && most == 0; y++)
                for (ptrdiff_t x = cell * CELL; x < stop; x++)
                    most = s->count[y + MAX_RADIUS][x + MAX_RADIUS] > most ? s->count[y + MAX_RADIUS][x + MAX_RADIUS] : most;
            s->full_cells[top / CELL_ROWS][cell] = all;
            if (most == 0)
                s->cells[top / CELL_ROWS][cell] = 0;
        }
}
