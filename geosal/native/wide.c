#include "common.h"

#define FUNCTIONS "wide_functions.h"
#include "variants.h"
