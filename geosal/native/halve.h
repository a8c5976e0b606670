/* The mean of the valid samples of each 2 x 2 pixels of one band: a template, included once for each type of sample.
 *
 * Defined before it is included: NAME, SAMPLE, SUM (holds four samples exactly, or rounds well), WHOLE (1 for integers).
 */

INLINE SAMPLE PASTE(NAME, _mean)(const SUM total, const int count)
{
#if WHOLE
    /* floor(total / count + 1/2) = floor((2 total + count) / (2 count)) */
    const SUM above = 2 * total + count, below = 2 * count;
    return (SAMPLE)(above / below - (above % below < 0));
#else
    return (SAMPLE)(total / count);
#endif
}

INLINE SAMPLE PASTE(NAME, _some)(const halving *h, const SAMPLE *restrict row, const uint8_t *restrict valid,
                               const ptrdiff_t x, const int rows, const int cols)
{
    SUM total = 0;
    int count = 0;
    for (int dy = 0; dy < rows; dy++)
        for (int dx = 0; dx < cols; dx++) {
            const SAMPLE sample = *((const SAMPLE *)((const char *)row + dy * h->pixel_stride) + x + dx);
            const int counts = valid ? valid[dy * h->valid_stride + x + dx] != 0 : 1;
            total += counts ? (SUM)sample : (SUM)0;
            count += counts;
        }
    return count ? PASTE(NAME, _mean)(total, count) : row[x];
}

/* Whole squares of two rows without a branch, many at once. */
INLINE void PASTE(NAME, _pairs)(const SAMPLE *restrict row, const SAMPLE *restrict next, const uint8_t *restrict valid,
                                const uint8_t *restrict next_valid, const ptrdiff_t pairs, SAMPLE *restrict out)
{
    for (ptrdiff_t x = 0; x < pairs; x++) {
        const int a = valid[2 * x] != 0, b = valid[2 * x + 1] != 0;
        const int c = next_valid[2 * x] != 0, d = next_valid[2 * x + 1] != 0;
        const SAMPLE first = row[2 * x], second = row[2 * x + 1], third = next[2 * x], fourth = next[2 * x + 1];
        const SUM total = (a ? (SUM)first : 0) + (b ? (SUM)second : 0) + (c ? (SUM)third : 0) + (d ? (SUM)fourth : 0);
        const int count = a + b + c + d, below = count ? count : 1;
#if WHOLE
        /* Exact: a quotient of whole numbers this small is never rounded up to the next whole number. */
        const SAMPLE mean = (SAMPLE)(SUM)floor((double)(2 * total + below) / (double)(2 * below));
#else
        const SAMPLE mean = (SAMPLE)(total / (SUM)below);
#endif
        out[x] = count ? mean : first;
    }
}

TARGET void NAME(const halving *h)
{
    for (ptrdiff_t y = 0; y < h->height; y += 2) {
        const SAMPLE *restrict row = (const SAMPLE *)((const char *)h->pixels + y * h->pixel_stride);
        const SAMPLE *restrict next = (const SAMPLE *)((const char *)row + h->pixel_stride);
        const uint8_t *valid = h->valid ? h->valid + y * h->valid_stride : NULL;
        SAMPLE *restrict out = (SAMPLE *)((char *)h->out + y / 2 * h->out_stride);
        const ptrdiff_t pairs = h->width / 2;
        const int rows = y + 1 < h->height ? 2 : 1;
        ptrdiff_t x = 0;
        if (rows == 2 && !valid) {
            for (; x < pairs; x++) {
                const SUM total = (SUM)row[2 * x] + (SUM)row[2 * x + 1] + (SUM)next[2 * x] + (SUM)next[2 * x + 1];
#if WHOLE
                out[x] = (SAMPLE)((total + 2) >> 2);
#else
                out[x] = (SAMPLE)(total / 4);
#endif
            }
        } else if (rows == 2) {
            PASTE(NAME, _pairs)(row, next, valid, valid + h->valid_stride, pairs, out);
            x = pairs;
        } else
            for (; x < pairs; x++)
                out[x] = PASTE(NAME, _some)(h, row, valid, 2 * x, rows, 2);
        if (h->width & 1)
            out[x] = PASTE(NAME, _some)(h, row, valid, 2 * x, rows, 1);
    }
}

#undef NAME
#undef SAMPLE
#undef SUM
#undef WHOLE
