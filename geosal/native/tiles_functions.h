/* What the writers of tiles do with every sample. */
#define NAME NAMED(geosal_halve_uint8)
#define SAMPLE uint8_t
#define SUM int32_t
#define WHOLE 1
#include "halve.h"
#define NAME NAMED(geosal_halve_uint16)
#define SAMPLE uint16_t
#define SUM int32_t
#define WHOLE 1
#include "halve.h"
#define NAME NAMED(geosal_halve_int16)
#define SAMPLE int16_t
#define SUM int32_t
#define WHOLE 1
#include "halve.h"
#define NAME NAMED(geosal_halve_uint32)
#define SAMPLE uint32_t
#define SUM int64_t
#define WHOLE 1
#include "halve.h"
#define NAME NAMED(geosal_halve_int32)
#define SAMPLE int32_t
#define SUM int64_t
#define WHOLE 1
#include "halve.h"
#define NAME NAMED(geosal_halve_float32)
#define SAMPLE float
#define SUM double
#define WHOLE 0
#include "halve.h"
#define NAME NAMED(geosal_halve_float64)
#define SAMPLE double
#define SUM double
#define WHOLE 0
#include "halve.h"

/* Bands side by side in each pixel, padded to a square tile by its last column and row; with delta, each sample less the
 * one of the pixel on its left (predictor 2 of TIFF 6.0, section 14), modulo the range of its type, and rows of 0 below,
 * which cost a codec least. */
#define INTERLEAVE(name, type) INTERLEAVE_(name, type)
#define INTERLEAVE_(name, type)                                                                                      \
    INLINE void name##_bands(const char *pixels, ptrdiff_t band_stride, ptrdiff_t width, ptrdiff_t tile, int bands,   \
                             int delta, type *restrict out)                                                           \
    {                                                                                                                 \
        for (int band = 0; band < bands; band++) {                                                                    \
            const type *restrict from = (const type *)(pixels + band * band_stride);                                  \
            type *restrict to = out + band;                                                                           \
            to[0] = from[0];                                                                                          \
            for (ptrdiff_t x = 1; x < width; x++)                                                                     \
                to[x * bands] = (type)(from[x] - (delta ? from[x - 1] : 0));                                          \
            for (ptrdiff_t x = width; x < tile; x++)                                                                  \
                to[x * bands] = delta ? 0 : from[width - 1];                                                          \
        }                                                                                                             \
    }                                                                                                                 \
    TARGET void name(const void *pixels, ptrdiff_t band_stride, ptrdiff_t row_stride, ptrdiff_t height,               \
                     ptrdiff_t width, ptrdiff_t tile, int bands, int delta, type *out)                                \
    {                                                                                                                 \
        for (ptrdiff_t y = 0; y < height; y++) {                                                                      \
            const char *row = (const char *)pixels + y * row_stride;                                                  \
            type *to = out + y * tile * bands;                                                                        \
            if (bands == 1 && delta)                                                                                  \
                name##_bands(row, band_stride, width, tile, 1, 1, to);                                                \
            else if (bands == 3 && delta)                                                                             \
                name##_bands(row, band_stride, width, tile, 3, 1, to);                                                \
            else if (bands == 4 && delta)                                                                             \
                name##_bands(row, band_stride, width, tile, 4, 1, to);                                                \
            else                                                                                                      \
                name##_bands(row, band_stride, width, tile, bands, delta, to);                                        \
        }                                                                                                             \
        for (ptrdiff_t y = height; y < tile; y++)                                                                     \
            if (delta)                                                                                                \
                memset(out + y * tile * bands, 0, (size_t)(tile * bands) * sizeof(type));                             \
            else                                                                                                      \
                memcpy(out + y * tile * bands, out + (height - 1) * tile * bands,                                     \
                       (size_t)(tile * bands) * sizeof(type));                                                        \
    }
INTERLEAVE(NAMED(geosal_interleave8), uint8_t)
INTERLEAVE(NAMED(geosal_interleave16), uint16_t)
INTERLEAVE(NAMED(geosal_interleave32), uint32_t)
INTERLEAVE(NAMED(geosal_interleave64), uint64_t)

#undef INTERLEAVE
#undef INTERLEAVE_
