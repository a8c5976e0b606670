#include "levels.h"
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* The quotient rounded half up: the division in float32 is at most 1 off, and is put right in whole numbers. */
INLINE uint8_t quotient8(const float sum, const float weight)
{
    const int32_t twice = 2 * (int32_t)sum, below = (int32_t)weight;
    const int32_t near = (int32_t)(sum / weight + 0.5f);
    return (uint8_t)(near + (twice >= (2 * near + 1) * below) - (twice < (2 * near - 1) * below));
}

/* Taps side by side in pairs, repeated over a vector: [0] from the first tap on, [1] after a 0. */
typedef struct {
    uint8_t down[2][CONSTANT_RADII + 1][32];
    int16_t along[2][CONSTANT_RADII + 1][16];
} tap_pairs;

/* Lay out the taps of a kernel, given from the centre outwards; returns 0 for one that has only its centre. Of kernels that
 * have no code of their own there are no pairs. */
INLINE int pair_taps(const uint16_t *taps, const int radius, tap_pairs *pairs)
{
    if (taps[0] > 255)
        return 0;
    for (int odd = 0; odd < 2 && radius <= CONSTANT_RADII; odd++)
        for (int pair = 0; pair <= radius; pair++)
            for (int i = 0; i < 32; i++) {
                const int tap = 2 * pair + i % 2 - odd - radius;
                const uint16_t weight = tap < -radius || tap > radius ? 0 : taps[tap < 0 ? -tap : tap];
                pairs->down[odd][pair][i] = (uint8_t)weight;
                pairs->along[odd][pair][i % 16] = (int16_t)weight;
            }
    return 1;
}

#define FUNCTIONS "smooth_exact_functions.h"
#include "variants.h"
