/* Symbols of coefficients and their bits, for one scan with all components (ITU-T T.81, F.1.2). */

/* Index of a block's component. */
INLINE int NAMED(component_of)(const int block, const int blocks)
{
    return blocks == 1 || block < blocks - 2 ? 0 : block - (blocks - 3);
}

/* Which coefficients of a block are not 0: bit k tells of coefficient k. */
TARGET INLINE uint64_t NAMED(nonzero)(const int16_t *block)
{
#if defined(__x86_64__) && VECTOR == 64
    const __m512i low = _mm512_loadu_si512(block), high = _mm512_loadu_si512(block + 32);
    return (uint64_t)_mm512_test_epi16_mask(high, high) << 32 | _mm512_test_epi16_mask(low, low);
#elif defined(__x86_64__)
    uint64_t zeros = 0;
    for (int k = 0; k < SAMPLES; k += 16) {
        const __m128i *at = (const __m128i *)(block + k);
        const __m128i bytes = _mm_packs_epi16(_mm_loadu_si128(at), _mm_loadu_si128(at + 1)); /* 0 stays the only 0 */
        zeros |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128())) << k;
    }
    return ~zeros;
#else
    uint64_t found = 0;
    for (int k = 0; k < SAMPLES; k++)
        found |= (uint64_t)(block[k] != 0) << k;
    return found;
#endif
}

TARGET void NAMED(geosal_jpeg_count)(const counting_symbols *c)
{
    const int16_t *block = c->coefficients;
    for (ptrdiff_t row = 0; row < c->mcu_rows; row++) {
        int last[3] = {0, 0, 0};
        for (ptrdiff_t mcu = 0; mcu < c->mcu_cols; mcu++)
            for (int i = 0; i < c->blocks; i++, block += SAMPLES) {
                const int component = NAMED(component_of)(i, c->blocks);
                uint32_t *dc = c->counts + (component ? SYMBOLS : 0), *ac = dc + 2 * SYMBOLS;
                dc[size_of(block[0] - last[component]) & 15]++;
                last[component] = block[0];
                int before = 0;
                for (uint64_t left = NAMED(nonzero)(block) & ~UINT64_C(1); left; left &= left - 1) {
                    const int k = __builtin_ctzll(left), run = k - before - 1;
                    if (run > 15)
                        ac[0xf0] += (uint32_t)(run / 16);
                    ac[run % 16 * 16 + (size_of(block[k]) & 15)]++;
                    before = k;
                }
                ac[0] += before < SAMPLES - 1;
            }
    }
}

/* Bits on their way out: `count` of them, below 32, lowest bits last. */
typedef struct {
    uint64_t bits;
    int count;
    uint8_t *out;
} NAMED(sink);

INLINE void NAMED(put)(NAMED(sink) *s, const uint32_t bits, const int count)
{
    s->bits = s->bits << count | bits;
    s->count += count;
    if (s->count < 32)
        return;
    const uint32_t whole = (uint32_t)(s->bits >> (s->count - 32));
    s->count -= 32;
    if (((~whole - 0x01010101u) & whole & 0x80808080u) == 0) { /* no byte is 0xff */
        for (int shift = 24; shift >= 0; shift -= 8)
            *s->out++ = (uint8_t)(whole >> shift);
        return;
    }
    for (int shift = 24; shift >= 0; shift -= 8) {
        const uint8_t byte = (uint8_t)(whole >> shift);
        *s->out++ = byte;
        if (byte == 0xff)
            *s->out++ = 0;
    }
}

/* A symbol and the bits that follow it; 0 when there is no code for it, as for no size beyond the tables. */
INLINE int NAMED(put_symbol)(NAMED(sink) *s, const uint32_t *codes, const int run, const int value)
{
    const int size = size_of(value);
    if (size > 15)
        return 0;
    const uint32_t code = codes[run * 16 + size];
    const uint32_t magnitude = (uint32_t)(value - (value < 0)) & ((1u << size) - 1);
    NAMED(put)(s, code >> 8 << size | magnitude, (int)(code & 255) + size);
    return code != 0;
}

/* Bytes of a segment between two restart markers; -1 when a symbol has no code. */
TARGET ptrdiff_t NAMED(geosal_jpeg_code)(const coding_segment *c)
{
    NAMED(sink) s = {0, 0, c->out};
    const int16_t *block = c->coefficients;
    int last[3] = {0, 0, 0}, fine = 1;
    for (ptrdiff_t mcu = 0; mcu < c->mcus; mcu++)
        for (int i = 0; i < c->blocks; i++, block += SAMPLES) {
            const int component = NAMED(component_of)(i, c->blocks);
            const uint32_t *dc = c->codes + (component ? SYMBOLS : 0), *ac = dc + 2 * SYMBOLS;
            fine &= NAMED(put_symbol)(&s, dc, 0, block[0] - last[component]);
            last[component] = block[0];
            int before = 0;
            for (uint64_t left = NAMED(nonzero)(block) & ~UINT64_C(1); left; left &= left - 1) {
                const int k = __builtin_ctzll(left);
                int run = k - before - 1;
                for (; run > 15; run -= 16)
                    fine &= NAMED(put_symbol)(&s, ac, 15, 0);
                fine &= NAMED(put_symbol)(&s, ac, run, block[k]);
                before = k;
            }
            if (before < SAMPLES - 1)
                fine &= NAMED(put_symbol)(&s, ac, 0, 0);
        }
    for (int rest = s.count; rest % 8; rest++) /* F.1.2.3: the last byte is filled with ones */
        NAMED(put)(&s, 1, 1);
    while (s.count) {
        const uint8_t byte = (uint8_t)(s.bits >> (s.count - 8));
        s.count -= 8;
        *s.out++ = byte;
        if (byte == 0xff)
            *s.out++ = 0;
    }
    return fine ? s.out - c->out : -1;
}
