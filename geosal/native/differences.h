/* Sums of the differences between two bands, by level: a template, included once for each type of sample.
 *
 * Defined before it is included: NAME, SAMPLE, WHOLE (1 for integers), and for those
 *   WIDE  holds a difference
 *   PART  unsigned, holds the sum of MOST squared differences
 */

#if WHOLE
INLINE void PASTE(NAME, _run)(const SAMPLE *restrict first, const SAMPLE *restrict second, const ptrdiff_t count,
                              whole_sums *to)
{
    for (ptrdiff_t begin = 0; begin < count; begin += MOST) {
        const ptrdiff_t stop = count - begin < MOST ? count : begin + MOST;
        PART squared = 0, absolute = 0, largest = 0;
        for (ptrdiff_t x = begin; x < stop; x++) {
            const WIDE off = (WIDE)first[x] - (WIDE)second[x];
            const PART size = (PART)(off < 0 ? -off : off);
            squared += size * size;
            absolute += size;
            largest = size > largest ? size : largest;
        }
        const uint64_t low = to->squared[0] + (uint64_t)squared;
        to->squared[1] += (low < to->squared[0]) + (uint64_t)((unsigned __int128)squared >> 64);
        to->squared[0] = low;
        to->absolute += (uint64_t)absolute;
        to->largest = (uint64_t)largest > to->largest ? (uint64_t)largest : to->largest;
    }
    to->count += (uint64_t)count;
}
#define SUMS whole_sums
#else
INLINE void PASTE(NAME, _run)(const SAMPLE *restrict first, const SAMPLE *restrict second, const ptrdiff_t count,
                              real_sums *to)
{
    double squared[LANES] = {0}, absolute[LANES] = {0}, largest[LANES] = {0};
    ptrdiff_t x = 0;
    for (; x + LANES <= count; x += LANES)
        for (int i = 0; i < LANES; i++) {
            const double size = fabs((double)first[x + i] - (double)second[x + i]);
            squared[i] += size * size;
            absolute[i] += size;
            largest[i] = size > largest[i] ? size : largest[i];
        }
    for (; x < count; x++) {
        const double size = fabs((double)first[x] - (double)second[x]);
        squared[0] += size * size;
        absolute[0] += size;
        largest[0] = size > largest[0] ? size : largest[0];
    }
    for (int i = 0; i < LANES; i++) {
        to->squared += squared[i];
        to->absolute += absolute[i];
        to->largest = largest[i] > to->largest ? largest[i] : to->largest;
    }
    to->count += (uint64_t)count;
}
#define SUMS real_sums
#endif

TARGET void NAME(const differing *d)
{
    SUMS *sums = d->sums;
    for (ptrdiff_t y = 0; y < d->height; y++) {
        const SAMPLE *first = (const SAMPLE *)((const char *)d->first + y * d->first_stride);
        const SAMPLE *second = (const SAMPLE *)((const char *)d->second + y * d->second_stride);
        const uint8_t *valid = d->valid ? d->valid + y * d->valid_stride : NULL;
        const uint8_t *levels = d->levels ? d->levels + y * d->level_stride : NULL;
        ptrdiff_t x = 0;
        while (x < d->width) {
            ptrdiff_t count = d->width - x;
            if (valid)
                count = run_of(valid + x, count);
            if (levels)
                count = run_of(levels + x, count);
            const int level = levels ? levels[x] : 0;
            if (level < d->count && (!valid || valid[x]))
                PASTE(NAME, _run)(first + x, second + x, count, sums + level);
            x += count;
        }
    }
}

#undef NAME
#undef SAMPLE
#undef WHOLE
#undef WIDE
#undef PART
#undef MOST
#undef SUMS
