/* Which coefficients of a block to lower or to leave out: the least squared error plus `weight` times bits. */

#define LANES 8
#define LONGEST (SAMPLES - 2) /* run of zeros before a coefficient */

/* Bits of a coefficient after a run of zeros: its Huffman code, those of 16 zeros each before it, and its magnitude. */
typedef struct {
    float of[SIZES][SAMPLES + LANES]; /* by size, the longest run first; what follows the shortest is never the least */
    float end;                        /* of a block */
} NAMED(rates);

INLINE void NAMED(count_bits)(const uint8_t *lengths, NAMED(rates) *rates)
{
    memset(rates, 0, sizeof *rates);
    for (int run = 0; run <= LONGEST; run++)
        for (int size = 1; size < SIZES; size++)
            rates->of[size][LONGEST - run] = (float)(run / 16 * lengths[0xf0] + lengths[run % 16 * 16 + size] + size);
    rates->end = lengths[0];
}

/* Several costs side by side; a compiler makes better code of these than of loops over an array. */
typedef float NAMED(costs) __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t NAMED(choices) __attribute__((vector_size(LANES * sizeof(int32_t))));

/* The least cost of a step to coefficient k from those before it; the costs of those that are left out are infinite. */
INLINE float NAMED(least_step)(const float *reached, const float *bits, const float weight, const int k)
{
    NAMED(costs) least, these, more;
    memcpy(&least, reached, sizeof least);
    memcpy(&more, bits, sizeof more);
    least += weight * more;
    for (int from = LANES; from < k; from += LANES) {
        memcpy(&these, reached + from, sizeof these);
        memcpy(&more, bits + from, sizeof more);
        these += weight * more;
        const NAMED(choices) less = these < least;
        least = (NAMED(costs))(((NAMED(choices))these & less) | ((NAMED(choices))least & ~less));
    }
    float found[LANES];
    memcpy(found, &least, sizeof found);
    for (int half = LANES / 2; half; half /= 2)
        for (int lane = 0; lane < half; lane++)
            found[lane] = found[lane + half] < found[lane] ? found[lane + half] : found[lane];
    return found[0];
}

/* Dynamic programme over the AC coefficients that are not 0: the best way to end at each of them.

   A magnitude may fall to the largest one of any smaller size in bits; those between cost as many bits and more error.
   Costs are counted from that of a block of zeros: a coefficient gains the error that it saves. `exact` are
   coefficients in steps and `squares` the squared steps, both in zigzag order; of a block that `shows` one is left at
   least. `found` is rounded, and shaped in place. */
INLINE void NAMED(shape)(const float *exact, const float *squares, const NAMED(rates) *rates, const float weight,
                         const int shows, int16_t *found)
{
    float reached[SAMPLES + LANES], cheapest = 0.0f;
    float steps[SAMPLES];
    const float *bits_of[SAMPLES];
    int last = 0;
    int16_t values[SAMPLES];
    for (int k = 0; k < SAMPLES + LANES; k++)
        reached[k] = INFINITY;
    reached[0] = 0.0f;
    float least_of_all = shows ? INFINITY : weight * rates->end;
    for (int k = 1; k < SAMPLES; k++) {
        if (!found[k])
            continue;
        const int negative = found[k] < 0, largest = negative ? -found[k] : found[k];
        const float magnitude = negative ? -exact[k] : exact[k];
        float least = INFINITY;
        for (int size = size_of(largest); size >= 1; size--) {
            const int value = size == size_of(largest) ? largest : (1 << size) - 1;
            const float gain = squares[k] * ((float)value * (2.0f * magnitude - (float)value));
            if (cheapest - gain >= least)
                break; /* smaller ones gain less */
            const float *these = rates->of[size] + LONGEST - (k - 1);
            const float found_step = NAMED(least_step)(reached, these, weight, k);
            if (found_step - gain < least) {
                least = found_step - gain;
                steps[k] = found_step;
                bits_of[k] = these;
                values[k] = (int16_t)(negative ? -value : value);
            }
        }
        reached[k] = least;
        cheapest = least < cheapest ? least : cheapest;
        const float ended = least + (k < SAMPLES - 1 ? weight * rates->end : 0.0f);
        if (ended < least_of_all) {
            least_of_all = ended;
            last = k;
        }
    }
    for (int k = 1; k < SAMPLES; k++)
        found[k] = 0;
    for (int k = last; k > 0;) {
        found[k] = values[k];
        const float step = steps[k], *bits = bits_of[k];
        do
            k--;
        while (reached[k] + weight * bits[k] != step);
    }
}
