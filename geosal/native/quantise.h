/* Samples to a multiple of twice their level's step where one lies within its error, else to the nearest multiple of the
 * step, ties to the even one: a template, once for each type.
 *
 * Defined before it is included:
 *   NAME    prefix of its functions
 *   SAMPLE  type of a sample
 *   WHOLE   1 for integers, 0 for floats
 *   WIDE    type that sums are held in
 *   LEAST, MOST  of integers: the ends of their range */
#if WHOLE
INLINE void PASTE(NAME, _round)(const quantising *q, const SAMPLE *restrict in, const uint8_t *restrict levels,
                                SAMPLE *restrict out)
{
    for (ptrdiff_t x = 0; x < q->width; x++) {
        const WIDE shift = q->exponents[levels[x]], some = shift > 0, step = (WIDE)1 << shift, was = (WIDE)in[x];
        /* Half a step less one, and one more where the multiple below is odd. */
        const WIDE near = (was + ((step >> 1) - some) + ((was >> shift) & some)) & -step;
        const WIDE coarse = (was + step) & -2 * step, off = coarse < was ? was - coarse : coarse - was;
        const WIDE value = off <= q->limits[levels[x]] ? coarse : near;
        out[x] = (SAMPLE)(value < LEAST ? LEAST : value > MOST ? MOST : value);
    }
}

/* What has come to the nodata code goes back towards what it was, by one. */
INLINE void PASTE(NAME, _keep_off)(const quantising *q, const SAMPLE *restrict in, SAMPLE *restrict out)
{
    const SAMPLE code = (SAMPLE)q->nodata;
    for (ptrdiff_t x = 0; x < q->width; x++) {
        const SAMPLE beside = (SAMPLE)(in[x] > code ? code + (WIDE)1 : code - (WIDE)1);
        out[x] = (out[x] == code) & (in[x] != code) ? beside : out[x];
    }
}
#else
INLINE void PASTE(NAME, _round)(const quantising *q, const SAMPLE *restrict in, const uint8_t *restrict levels,
                                SAMPLE *restrict out)
{
    for (ptrdiff_t x = 0; x < q->width; x++) {
        const WIDE step = q->steps[levels[x]], inverse = q->inverses[levels[x]], was = (WIDE)in[x];
        const SAMPLE near = (SAMPLE)(rint(was * inverse) * step);
        const SAMPLE coarse = (SAMPLE)(rint(was * (inverse / 2)) * (2 * step));
        const SAMPLE value = fabs((WIDE)coarse - was) <= q->errors[levels[x]] ? coarse : near;
        out[x] = isfinite(value) ? value : in[x];
    }
}

/* As GDAL compares: in the samples' type, in this order; a sum that overflows matches. */
INLINE int PASTE(NAME, _is_code)(const SAMPLE sample, const WIDE code)
{
    const SAMPLE given = (SAMPLE)code, off = sample - given, sum = sample + given;
    const SAMPLE part = (SAMPLE)(EPSILON * fabs(sum)), near = part * 2;
    return (fabs(off) < near) | (sample == given);
}

INLINE void PASTE(NAME, _keep_off)(const quantising *q, const SAMPLE *restrict in, SAMPLE *restrict out)
{
    const WIDE code = (WIDE)(SAMPLE)q->nodata, some = 8 * EPSILON * fabs(code);
    const WIDE apart = some > TINY ? some : TINY; /* GDAL tells apart what is half as far */
    int hits = 0;
    for (ptrdiff_t x = 0; x < q->width; x++)
        hits |= PASTE(NAME, _is_code)(out[x], code) & (out[x] != in[x]);
    for (ptrdiff_t x = 0; hits && x < q->width; x++) {
        if (!PASTE(NAME, _is_code)(out[x], code) || out[x] == in[x])
            continue;
        const WIDE was = (WIDE)in[x];
        const SAMPLE moved = (SAMPLE)(code + copysign(apart, was - code));
        const int no_worse = fabs((WIDE)moved - was) <= fabs(code - was);
        out[x] = no_worse && !PASTE(NAME, _is_code)(moved, code) ? moved : in[x];
    }
}
#endif

TARGET void NAME(const quantising *q)
{
    for (ptrdiff_t y = 0; y < q->height; y++) {
        const SAMPLE *in = (const SAMPLE *)((const char *)q->pixels + y * q->pixel_stride);
        SAMPLE *out = (SAMPLE *)((char *)q->out + y * q->out_stride);
        PASTE(NAME, _round)(q, in, q->levels + y * q->level_stride, out);
        if (q->coded)
            PASTE(NAME, _keep_off)(q, in, out);
        if (q->valid) {
            const uint8_t *valid = q->valid + y * q->valid_stride;
            for (ptrdiff_t x = 0; x < q->width; x++)
                out[x] = valid[x] ? out[x] : in[x];
        }
    }
}

#undef NAME
#undef SAMPLE
#undef WHOLE
#undef WIDE
#undef LEAST
#undef MOST
