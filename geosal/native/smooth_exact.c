#include "levels.h"

/* The quotient rounded half up: the division in float32 is at most 1 off, and is put right in whole numbers. */
INLINE uint8_t quotient8(const float sum, const float weight)
{
    const int32_t twice = 2 * (int32_t)sum, below = (int32_t)weight;
    const int32_t near = (int32_t)(sum / weight + 0.5f);
    return (uint8_t)(near + (twice >= (2 * near + 1) * below) - (twice < (2 * near - 1) * below));
}

#define FUNCTIONS "smooth_exact_functions.h"
#include "variants.h"
