#include "macros.h"

#define TERMS 7    /* of a polynomial of degree 6 */
#define SPAN 1024  /* columns in work: their coefficients stay in the first-level cache */

#define FUNCTIONS "patterns_functions.h"
#include "variants.h"
