/* Patterns that need no file. This file is to be compiled with -ffp-contract=off: a fused product rounds otherwise, and
 * not on every processor. */

/* Columns [0, width) of a row of values at y; coefficients lie `stride` apart, lowest power first. */
INLINE void NAMED(values_of_row)(const float *restrict terms, const ptrdiff_t stride, const float y, const ptrdiff_t width,
                                 float *restrict out)
{
    for (ptrdiff_t x = 0; x < width; x++) {
        float value = y * terms[(TERMS - 1) * stride + x];
        for (int power = TERMS - 2; power > 0; power--)
            value = (value + terms[power * stride + x]) * y;
        out[x] = value + terms[x];
    }
}

/* One polynomial in y for each column, at the place y of each row. Its values go to `values`, or the number of the three
 * thresholds that they reach to `codes`; the other is NULL. */
TARGET void NAMED(geosal_polynomials)(const float *terms, const ptrdiff_t stride, const float *places, const ptrdiff_t height,
                                      const ptrdiff_t width, const float *thresholds, float *values, uint8_t *codes,
                                      const ptrdiff_t out_stride)
{
    float row[SPAN];
    for (ptrdiff_t left = 0; left < width; left += SPAN) {
        const ptrdiff_t cols = width - left < SPAN ? width - left : SPAN;
        for (ptrdiff_t y = 0; y < height; y++) {
            NAMED(values_of_row)(terms + left, stride, places[y], cols, values ? values + y * out_stride + left : row);
            if (!codes)
                continue;
            uint8_t *restrict out = codes + y * out_stride + left;
            for (ptrdiff_t x = 0; x < cols; x++)
                out[x] = (uint8_t)((row[x] >= thresholds[0]) + (row[x] >= thresholds[1]) + (row[x] >= thresholds[2]));
        }
    }
}
