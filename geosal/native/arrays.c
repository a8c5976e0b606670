#include <float.h>

#include "macros.h"

#define FUNCTIONS "arrays_functions.h"
#include "variants.h"
