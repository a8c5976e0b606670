/* What is done with every sample on its way to a tile. */
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

#define NAME NAMED(geosal_quantise_uint8)
#define SAMPLE uint8_t
#define WHOLE 1
#define WIDE int32_t
#define LEAST 0
#define MOST UINT8_MAX
#include "quantise.h"
#define NAME NAMED(geosal_quantise_uint16)
#define SAMPLE uint16_t
#define WHOLE 1
#define WIDE int32_t
#define LEAST 0
#define MOST UINT16_MAX
#include "quantise.h"
#define NAME NAMED(geosal_quantise_int16)
#define SAMPLE int16_t
#define WHOLE 1
#define WIDE int32_t
#define LEAST INT16_MIN
#define MOST INT16_MAX
#include "quantise.h"
#define NAME NAMED(geosal_quantise_uint32)
#define SAMPLE uint32_t
#define WHOLE 1
#define WIDE int64_t
#define LEAST 0
#define MOST UINT32_MAX
#include "quantise.h"
#define NAME NAMED(geosal_quantise_int32)
#define SAMPLE int32_t
#define WHOLE 1
#define WIDE int64_t
#define LEAST INT32_MIN
#define MOST INT32_MAX
#include "quantise.h"
#define NAME NAMED(geosal_quantise_float32)
#define SAMPLE float
#define WHOLE 0
#define WIDE double
#define EPSILON ((double)FLT_EPSILON)
#define TINY ((double)FLT_MIN)
#include "quantise.h"
#undef EPSILON
#undef TINY

/* Bands side by side in each pixel, padded to a square tile by its last column and row; with delta, each sample less the
 * one of the pixel on its left (predictor 2 of TIFF 6.0, section 14), modulo the range of its type, and rows of 0 below,
 * which cost a codec least. */
#define INTERLEAVE(name, type) INTERLEAVE_(name, type)
#define INTERLEAVE_(name, type)                                                                                      \
    INLINE void name##_bands(const char *pixels, ptrdiff_t band_stride, ptrdiff_t width, ptrdiff_t tile, int bands,   \
                             int delta, type *restrict out)                                                           \
    {                                                                                                                 \
        for (int band = 0; band < bands; band++)                                                                      \
            out[band] = *(const type *)(pixels + band * band_stride);                                                 \
        for (ptrdiff_t x = 1; x < width; x++)                                                                         \
            for (int band = 0; band < bands; band++) {                                                                \
                const type *from = (const type *)(pixels + band * band_stride) + x;                                   \
                out[x * bands + band] = (type)(from[0] - (delta ? from[-1] : 0));                                     \
            }                                                                                                         \
        for (ptrdiff_t x = width; x < tile; x++)                                                                      \
            for (int band = 0; band < bands; band++)                                                                  \
                out[x * bands + band] = delta ? 0 : ((const type *)(pixels + band * band_stride))[width - 1];         \
    }                                                                                                                 \
    INLINE void name##_many(const char *pixels, ptrdiff_t band_stride, ptrdiff_t width, ptrdiff_t tile, int bands,    \
                            int delta, type *restrict out)                                                            \
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
            switch (2 * bands + delta) { /* constants, so that the loops are unrolled */                              \
            case 2: name##_bands(row, band_stride, width, tile, 1, 0, to); break;                                     \
            case 3: name##_bands(row, band_stride, width, tile, 1, 1, to); break;                                     \
            case 6: name##_bands(row, band_stride, width, tile, 3, 0, to); break;                                     \
            case 7: name##_bands(row, band_stride, width, tile, 3, 1, to); break;                                     \
            case 8: name##_bands(row, band_stride, width, tile, 4, 0, to); break;                                     \
            case 9: name##_bands(row, band_stride, width, tile, 4, 1, to); break;                                     \
            default: name##_many(row, band_stride, width, tile, bands, delta, to);                                    \
            }                                                                                                         \
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

/* How often each code of a row occurs, and what a table says of it unless that is NULL. */
INLINE void NAMED(look_up_row)(const uint8_t *restrict row, const ptrdiff_t width, const uint8_t *restrict table,
                               uint8_t *restrict out, int64_t seen[4][256])
{
    ptrdiff_t x = 0;
    for (; x + 4 <= width; x += 4)
        for (int i = 0; i < 4; i++) { /* equal neighbours do not wait for each other */
            seen[i][row[x + i]]++;
            if (table)
                out[x + i] = table[row[x + i]];
        }
    for (; x < width; x++) {
        seen[0][row[x]]++;
        if (table)
            out[x] = table[row[x]];
    }
}

TARGET void NAMED(geosal_look_up)(const uint8_t *codes, ptrdiff_t stride, ptrdiff_t height, ptrdiff_t width,
                                  const uint8_t *table, uint8_t *out, int64_t *counts)
{
    int64_t seen[4][256];
    memset(seen, 0, sizeof seen);
    for (ptrdiff_t y = 0; y < height; y++)
        if (table)
            NAMED(look_up_row)(codes + y * stride, width, table, out + y * width, seen);
        else
            NAMED(look_up_row)(codes + y * stride, width, NULL, NULL, seen);
    for (int code = 0; code < 256; code++)
        counts[code] = seen[0][code] + seen[1][code] + seen[2][code] + seen[3][code];
}
