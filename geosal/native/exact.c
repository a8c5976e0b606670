#include "common.h"

INLINE int32_t floor32(double x) { const int32_t t = (int32_t)x; return t - (t > x); }

#define FUNCTIONS "exact_functions.h"
#include "variants.h"
