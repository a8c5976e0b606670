/* Part of smooth.h: 8-bit samples with taps of 8 bits, by the multiply-add instructions of AVX2.
 *
 * Samples are stored as -128 to 127. The taps of a kernel are 256 together, so a sum down the columns is 256 * 128 less than
 * that of the samples and fits 16 bits; no sum of two products is cut off. Along the rows, sums are 32 bits wide. */

/* Convolve columns [first, stop) of the four rows of a cell down the columns, 32 at a time. Rows are taken two by two, and
 * the same pairs serve all four rows: those of odd number by pairs of taps that are shifted by one. */
TARGET INLINE void FN(_down)(const WORK *restrict centre, const tap_pairs *taps, const int radius, const ptrdiff_t first,
                             const ptrdiff_t stop, COLUMN (*restrict down)[DOWN_STRIDE])
{
    for (ptrdiff_t x = first; x < stop; x += 32) {
        __m256i low[CELL_ROWS], high[CELL_ROWS];
#pragma GCC unroll 4
        for (int row = 0; row < CELL_ROWS; row++)
            low[row] = high[row] = _mm256_setzero_si256();
#pragma GCC unroll 10
        for (int n = 0; n <= radius + 1; n++) {
            const __m256i above = _mm256_loadu_si256((const __m256i *)(centre + x + (2 * n - radius) * STRIDE));
            const __m256i below = _mm256_loadu_si256((const __m256i *)(centre + x + (2 * n + 1 - radius) * STRIDE));
            const __m256i left = _mm256_unpacklo_epi8(above, below), right = _mm256_unpackhi_epi8(above, below);
#pragma GCC unroll 4
            for (int row = 0; row < CELL_ROWS; row++) {
                const int pair = n - row / 2;
                if (pair < 0 || pair > radius)
                    continue;
                const __m256i by = _mm256_loadu_si256((const __m256i *)taps->down[row % 2][pair]);
                low[row] = _mm256_add_epi16(low[row], _mm256_maddubs_epi16(by, left));
                high[row] = _mm256_add_epi16(high[row], _mm256_maddubs_epi16(by, right));
            }
        }
#pragma GCC unroll 4
        for (int row = 0; row < CELL_ROWS; row++) {
            __m256i *to = (__m256i *)(down[row] + x + MAX_RADIUS);
            _mm256_storeu_si256(to, _mm256_permute2x128_si256(low[row], high[row], 0x20));
            _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(low[row], high[row], 0x31));
        }
    }
}

/* The values of 16 columns of a row, as 16 bits each: sums of even and of odd columns, of the same pairs of neighbours. */
TARGET INLINE __m256i FN(_sixteen)(const COLUMN *down, const tap_pairs *taps, const int radius)
{
    __m256i even = _mm256_set1_epi32(MISSING + 256 * 256 / 2), odd = even;
#pragma GCC unroll 9
    for (int pair = 0; pair <= radius; pair++) {
        const __m256i sums = _mm256_loadu_si256((const __m256i *)(down - radius + 2 * pair));
        even = _mm256_add_epi32(even, _mm256_madd_epi16(sums, _mm256_loadu_si256((const __m256i *)taps->along[0][pair])));
        odd = _mm256_add_epi32(odd, _mm256_madd_epi16(sums, _mm256_loadu_si256((const __m256i *)taps->along[1][pair])));
    }
    return _mm256_blend_epi16(_mm256_srli_epi32(even, 16), odd, 0xAA);
}

/* Smooth columns [first, stop) of a row, where every sample in reach counts; `radius` is a constant here. */
TARGET INLINE void FN(_row)(FN(_scratch) *s, const smoothing *j, const int radius, const int row, const ptrdiff_t first,
                            const ptrdiff_t stop, const uint8_t *restrict levels, const uint64_t *sets, SAMPLE *restrict out)
{
    (void)j, (void)sets;
    const COLUMN *down = s->down[row % CELL_ROWS] + MAX_RADIUS;
    const __m256i wanted = _mm256_set1_epi8((char)radius);
    for (ptrdiff_t x = first; x < stop; x += 32) {
        const __m256i values = _mm256_packus_epi16(FN(_sixteen)(down + x, &s->pairs, radius),
                                                   FN(_sixteen)(down + x + 16, &s->pairs, radius));
        const __m256i ordered = _mm256_permute4x64_epi64(values, 0xD8);
        if (stop - x < 32) {
            _mm256_storeu_si256((__m256i *)(s->values + x), ordered);
            FN(_blend)(s->values, levels, radius, x, stop, out);
            return;
        }
        __m256i *to = (__m256i *)(out + x);
        const __m256i chosen = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(levels + x)), wanted);
        _mm256_storeu_si256(to, _mm256_blendv_epi8(_mm256_loadu_si256(to), ordered, chosen));
    }
}
