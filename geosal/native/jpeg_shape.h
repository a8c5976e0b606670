/* Which coefficients of a block to lower or to leave out: the least squared error plus `weight` times bits. */

/* Bits of a coefficient after a run of zeros: its Huffman code, those of 16 zeros each before it, and its magnitude. */
typedef struct {
    float of[SAMPLES][SIZES];
    float end;                 /* of a block */
    float slack;               /* what a shorter run may cost more than a longer one, at most: 15 zeros than 16 */
} NAMED(rates);

INLINE void NAMED(count_bits)(const uint8_t *lengths, NAMED(rates) *rates)
{
    for (int run = 0; run < SAMPLES; run++)
        for (int size = 1; size < SIZES; size++)
            rates->of[run][size] = (float)(run / 16 * lengths[0xf0] + lengths[run % 16 * 16 + size] + size);
    rates->end = lengths[0];
    rates->slack = 0.0f;
    for (int size = 1; size < SIZES; size++) {
        float most = 0.0f;
        for (int run = 0; run < SAMPLES; run++) {
            most = rates->of[run][size] > most ? rates->of[run][size] : most;
            rates->slack = most - rates->of[run][size] > rates->slack ? most - rates->of[run][size] : rates->slack;
        }
    }
}

/* Dynamic programme over the AC coefficients that are not 0: the best way to end at each of them.

   A magnitude may fall to the largest one of any smaller size in bits; those between cost as many bits and more error.
   Of the ways to go on from, those are forgotten that have become dearer than a later one by more than a run can matter.
   `exact` are coefficients in steps and `squares` the squared steps, both in zigzag order; `found` is rounded, and
   shaped in place. */
INLINE void NAMED(shape)(const float *exact, const float *squares, const NAMED(rates) *rates, const float weight,
                         int16_t *found)
{
    int places[SAMPLES], count = 1, before[SAMPLES], open[SAMPLES] = {0}, ways = 1;
    int16_t values[SAMPLES];
    double dropped[SAMPLES], best[SAMPLES]; /* error of zeros up to here; cost to end here, less that error */
    dropped[0] = best[0] = 0.0;
    places[0] = 0;
    for (int k = 1; k < SAMPLES; k++) {
        const double in_steps = exact[k];
        dropped[k] = dropped[k - 1] + squares[k] * (in_steps * in_steps);
        if (found[k])
            places[count++] = k;
    }
    double cheapest = 0.0; /* of all ways so far */
    for (int i = 1; i < count; i++) {
        const int k = places[i], negative = found[k] < 0, largest = negative ? -found[k] : found[k];
        const double magnitude = negative ? -exact[k] : exact[k];
        double least = HUGE_VAL;
        for (int size = size_of(largest); size >= 1; size--) {
            const int value = size == size_of(largest) ? largest : (1 << size) - 1;
            const double off = magnitude - value, error = squares[k] * (off * off);
            if (cheapest + error >= least)
                break; /* smaller ones are off by more */
            for (int way = 0; way < ways; way++) {
                const int j = open[way];
                const double cost = best[j] + error + (double)(weight * rates->of[k - places[j] - 1][size]);
                if (cost < least) {
                    least = cost;
                    before[i] = j;
                    values[i] = (int16_t)(negative ? -value : value);
                }
            }
        }
        best[i] = least - (dropped[k] - dropped[k - 1]);
        if (best[i] < cheapest)
            cheapest = best[i];
        while (ways && best[open[ways - 1]] >= best[i] + (double)(weight * rates->slack))
            ways--;
        open[ways++] = i;
    }
    int last = 0;
    double least = HUGE_VAL;
    for (int i = 0; i < count; i++) {
        const double cost = best[i] + (places[i] < SAMPLES - 1 ? (double)(weight * rates->end) : 0.0);
        if (cost < least) {
            least = cost;
            last = i;
        }
    }
    for (int k = 1; k < SAMPLES; k++)
        found[k] = 0;
    for (int i = last; i > 0; i = before[i])
        found[places[i]] = values[i];
}
