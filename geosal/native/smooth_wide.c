#include "levels.h"

#define FUNCTIONS "smooth_wide_functions.h"
#include "variants.h"
