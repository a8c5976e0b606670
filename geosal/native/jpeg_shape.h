/* Which coefficients of a block to lower or to leave out: the least squared error plus `price` times bits. */

#define LONGEST (SAMPLES - 2) /* run of zeros before a coefficient */

/* Bits of a coefficient after a run of zeros: its Huffman code, those of 16 zeros each before it, and its magnitude. */
typedef struct {
    float of[SIZES][SAMPLES];    /* by size, and run */
    float least[SIZES][SAMPLES]; /* of this run and all longer ones */
    float end;                   /* of a block */
} NAMED(rates);

INLINE void NAMED(count_bits)(const uint8_t *lengths, NAMED(rates) *rates)
{
    memset(rates, 0, sizeof *rates);
    for (int size = 1; size < SIZES; size++)
        for (int run = 0; run <= LONGEST; run++)
            rates->of[size][run] = (float)(run / 16 * lengths[0xf0] + lengths[run % 16 * 16 + size] + size);
    for (int size = 1; size < SIZES; size++) {
        rates->least[size][LONGEST] = rates->of[size][LONGEST];
        for (int run = LONGEST - 1; run >= 0; run--) {
            const float longer = rates->least[size][run + 1], of = rates->of[size][run];
            rates->least[size][run] = of < longer ? of : longer;
        }
    }
    rates->end = lengths[0];
}

/* A number of each of several blocks, which are worked on side by side. */
typedef float NAMED(floats) __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t NAMED(ints) __attribute__((vector_size(LANES * sizeof(int32_t))));

TARGET INLINE NAMED(ints) NAMED(which)(const NAMED(ints) of, const NAMED(ints) one, const NAMED(ints) other)
{
    return (of & one) | (~of & other);
}

/* The lesser; compilers do not make the one instruction of a choice that processors have for it. */
TARGET INLINE NAMED(floats) NAMED(less)(const NAMED(floats) one, const NAMED(floats) other)
{
#if defined(__x86_64__) && VECTOR == 64
    return _mm512_min_ps(one, other);
#elif defined(__x86_64__) && VECTOR == 32
    return _mm256_min_ps(one, other);
#elif defined(__x86_64__)
    return _mm_min_ps(one, other);
#else
    return (NAMED(floats))NAMED(which)(one < other, (NAMED(ints))one, (NAMED(ints))other);
#endif
}

/* Whether a comparison holds in one lane or more. */
TARGET INLINE int NAMED(any)(const NAMED(ints) of)
{
#if defined(__x86_64__) && VECTOR == 64
    return _mm512_movepi32_mask((__m512i)of);
#elif defined(__x86_64__) && VECTOR == 32
    return _mm256_movemask_ps((__m256)of);
#elif defined(__x86_64__)
    return _mm_movemask_ps((__m128)of);
#else
    int32_t found = 0;
    for (int lane = 0; lane < LANES; lane++)
        found |= of[lane];
    return found;
#endif
}

/* Blocks that are shaped together. */
typedef struct {
    NAMED(floats) exact[SAMPLES]; /* coefficients in steps, in zigzag order */
    NAMED(ints) found[SAMPLES];   /* those rounded, which are kept at most */
    NAMED(floats) price;          /* of a bit */
    NAMED(ints) shows;            /* -1 where one coefficient is left at least, else 0 */
    int16_t bits[SAMPLES];        /* those of all magnitudes together */
    int16_t *out[LANES];          /* coefficients that are kept */
    int count;                    /* blocks that there are */
} NAMED(group);

/* The ways to end at each coefficient. */
typedef struct {
    NAMED(floats) reached[SAMPLES]; /* the least cost; infinite of a coefficient that is 0 */
    NAMED(floats) cheapest[SAMPLES]; /* the least cost of all up to it */
    NAMED(ints) from[SAMPLES];      /* the coefficient before it on that way */
    NAMED(ints) value[SAMPLES];
    int places[SAMPLES], count;     /* of coefficients that are not 0 in one block or more; the first is DC's */
} NAMED(ways);

/* The least cost of all steps that were looked at, and where the step with it begins. */
typedef struct {
    NAMED(floats) cost;
    NAMED(ints) from;
} NAMED(step);

/* Look at one step more, from further back; of those of the same cost the nearest counts. */
TARGET INLINE void NAMED(look)(const NAMED(ways) *w, const float *bits, const NAMED(floats) price, const int k,
                               const int from, NAMED(step) *s)
{
    const NAMED(floats) cost = w->reached[from] + price * bits[k - 1 - from];
    s->from = NAMED(which)(cost < s->cost, (NAMED(ints)){0} + from, s->from);
    s->cost = NAMED(less)(cost, s->cost);
}

/* The least steps to coefficient k of some size, from those before it, in the lanes where it `may` be kept. The search
   ends where no step from further back can cost less, whatever its run: rounding keeps the order of sums. */
TARGET INLINE NAMED(step) NAMED(least_step)(const NAMED(ways) *w, const NAMED(rates) *rates, const int size,
                                            const NAMED(floats) price, const int k, const NAMED(ints) may)
{
    const float *bits = rates->of[size], *least = rates->least[size];
    NAMED(step) one = {(NAMED(floats)){0} + INFINITY, {0}}, other = one;
    int i = w->count - 1;
    for (; i > 0; i -= 2) { /* two at once, as each least waits for the one before */
        NAMED(look)(w, bits, price, k, w->places[i], &one);
        NAMED(look)(w, bits, price, k, w->places[i - 1], &other);
        if (i < 2)
            break;
        const int next = w->places[i - 2];
        const NAMED(floats) bound = w->cheapest[next] + price * least[k - 1 - next];
        if (!NAMED(any)(may & (bound < NAMED(less)(one.cost, other.cost))))
            break;
    }
    if (!i)
        NAMED(look)(w, bits, price, k, 0, &one);
    const NAMED(ints) first = (one.cost < other.cost) | ((one.cost == other.cost) & (one.from > other.from));
    return (NAMED(step)){NAMED(less)(one.cost, other.cost), NAMED(which)(first, one.from, other.from)};
}

/* Find the best way to end at coefficient k. A magnitude may fall to the largest one of any smaller size in bits; those
   between cost as many bits and more error. `cheapest` is the least cost of all before it. */
TARGET INLINE void NAMED(reach)(const NAMED(group) *g, const float square, const NAMED(rates) *rates,
                                const NAMED(floats) cheapest, const int k, NAMED(ways) *w)
{
    const NAMED(ints) found = g->found[k], negative = found < 0, largest = (found ^ negative) - negative;
    const NAMED(floats) magnitude = (NAMED(floats))((NAMED(ints))g->exact[k] ^ (negative & INT32_MIN));
    const NAMED(floats) whole = __builtin_convertvector(largest, NAMED(floats));
    const NAMED(ints) sizes = ((NAMED(ints))whole >> 23) - 126; /* the exponent; negative of 0 */
    NAMED(floats) least = (NAMED(floats)){0} + INFINITY;
    NAMED(ints) value = {0}, from = {0};
    for (int size = size_of(g->bits[k]); size >= 1; size--) {
        const NAMED(ints) these = NAMED(which)(sizes == size, largest, (NAMED(ints)){0} + ((1 << size) - 1));
        const NAMED(floats) v = __builtin_convertvector(these, NAMED(floats));
        const NAMED(floats) gain = square * (v * (2.0f * magnitude - v));
        const NAMED(ints) may = (sizes >= size) & (cheapest - gain < least); /* smaller ones gain less */
        if (!NAMED(any)(may))
            continue;
        const NAMED(step) step = NAMED(least_step)(w, rates, size, g->price, k, may);
        const NAMED(ints) better = may & (step.cost - gain < least);
        least = (NAMED(floats))NAMED(which)(better, (NAMED(ints))(step.cost - gain), (NAMED(ints))least);
        from = NAMED(which)(better, step.from, from);
        value = NAMED(which)(better, these, value);
    }
    w->reached[k] = least;
    w->from[k] = from;
    w->value[k] = (value ^ negative) - negative;
}

/* Dynamic programme over the AC coefficients of some blocks that are not 0: the best way to end at each of them. Costs
   are counted from that of a block of zeros: a coefficient gains the error that it saves. `squares` are the squared
   steps, in zigzag order. The group is empty afterwards. */
TARGET INLINE void NAMED(shape)(NAMED(group) *g, const float *squares, const NAMED(rates) *rates)
{
    NAMED(ways) w;
    NAMED(floats) cheapest = {0}, least = g->price * rates->end;
    NAMED(ints) last = {0};
    const NAMED(floats) end = least;
    least = (NAMED(floats))NAMED(which)(g->shows, (NAMED(ints))((NAMED(floats)){0} + INFINITY), (NAMED(ints))least);
    w.reached[0] = w.cheapest[0] = (NAMED(floats)){0};
    w.places[0] = 0;
    w.count = 1;
    for (int k = 1; k < SAMPLES; k++) {
        if (!g->bits[k])
            continue;
        NAMED(reach)(g, squares[k], rates, cheapest, k, &w);
        w.cheapest[k] = cheapest = NAMED(less)(w.reached[k], cheapest);
        const NAMED(floats) ended = k < SAMPLES - 1 ? w.reached[k] + end : w.reached[k];
        last = NAMED(which)(ended < least, (NAMED(ints)){0} + k, last);
        least = NAMED(less)(ended, least);
        w.places[w.count++] = k;
    }
    for (int lane = 0; lane < g->count; lane++) {
        int16_t *out = g->out[lane];
        memset(out + 1, 0, (SAMPLES - 1) * sizeof *out);
        for (int k = last[lane]; k; k = w.from[k][lane])
            out[k] = (int16_t)w.value[k][lane];
    }
    memset(g->bits, 0, sizeof g->bits);
    g->count = 0;
}

/* Take a block into a group. */
TARGET INLINE void NAMED(join)(NAMED(group) *g, const float *exact, const float price, const int shows, int16_t *found)
{
    const int lane = g->count++;
    for (int k = 1; k < SAMPLES; k++) {
        g->exact[k][lane] = exact[k];
        g->found[k][lane] = found[k];
    }
    for (int k = 1; k < SAMPLES; k++)
        g->bits[k] |= (int16_t)(found[k] < 0 ? -found[k] : found[k]);
    g->price[lane] = price;
    g->shows[lane] = -(shows != 0);
    g->out[lane] = found;
}
