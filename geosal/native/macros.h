/* What every file needs: the standard headers, and names for functions that are compiled several times. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"

#define INLINE static inline __attribute__((always_inline))
/* Each file compiles its functions for several processors (variants.h); NAMED gives each its name. */
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define NAMED(name) PASTE(name, SUFFIX)
