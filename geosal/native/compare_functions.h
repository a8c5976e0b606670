/* Differences between two images, pixel by pixel and window by window. */
#define NAME NAMED(geosal_errors_uint8)
#define SAMPLE uint8_t
#define WHOLE 1
#define WIDE int32_t
#define PART uint32_t
#define MOST 65536
#include "differences.h"
#define NAME NAMED(geosal_errors_uint16)
#define SAMPLE uint16_t
#define WHOLE 1
#define WIDE int32_t
#define PART uint64_t
#define MOST PTRDIFF_MAX
#include "differences.h"
#define NAME NAMED(geosal_errors_int16)
#define SAMPLE int16_t
#define WHOLE 1
#define WIDE int32_t
#define PART uint64_t
#define MOST PTRDIFF_MAX
#include "differences.h"
#define NAME NAMED(geosal_errors_uint32)
#define SAMPLE uint32_t
#define WHOLE 1
#define WIDE int64_t
#define PART unsigned __int128
#define MOST PTRDIFF_MAX
#include "differences.h"
#define NAME NAMED(geosal_errors_int32)
#define SAMPLE int32_t
#define WHOLE 1
#define WIDE int64_t
#define PART unsigned __int128
#define MOST PTRDIFF_MAX
#include "differences.h"
#define NAME NAMED(geosal_errors_float32)
#define SAMPLE float
#define WHOLE 0
#include "differences.h"
#define NAME NAMED(geosal_errors_float64)
#define SAMPLE double
#define WHOLE 0
#include "differences.h"

/* Samples as float64; 0 where they do not count, which may be NaN. */
#define LOAD(type)                                                                                       \
    {                                                                                                    \
        const type *restrict samples = (const type *)row + begin;                                        \
        if (valid)                                                                                       \
            for (ptrdiff_t x = 0; x < count; x++)                                                        \
                out[x] = valid[begin + x] ? (double)samples[x] : 0.0;                                    \
        else                                                                                             \
            for (ptrdiff_t x = 0; x < count; x++)                                                        \
                out[x] = (double)samples[x];                                                             \
        break;                                                                                           \
    }
static TARGET void NAMED(load)(const void *row, const uint8_t *restrict valid, const int kind, const ptrdiff_t begin,
                               const ptrdiff_t count, double *restrict out)
{
    switch (kind) {
    case UINT8: LOAD(uint8_t)
    case UINT16: LOAD(uint16_t)
    case INT16: LOAD(int16_t)
    case UINT32: LOAD(uint32_t)
    case INT32: LOAD(int32_t)
    case FLOAT32: LOAD(float)
    default: LOAD(double)
    }
}
#undef LOAD

/* Filter IN samples of a row, which gives SPAN of them. */
INLINE void NAMED(filter_along)(const double *restrict line, const double *restrict taps, double *restrict out)
{
    for (ptrdiff_t x = 0; x < SPAN; x++) {
        const double *centre = line + x + REACH;
        double sum = taps[0] * centre[0];
#pragma GCC unroll 5
        for (int k = 1; k <= REACH; k++)
            sum += taps[k] * (centre[-k] + centre[k]);
        out[x] = sum;
    }
}

/* Load one row of both images and filter it. Of images a and b the maps are those of a + b and a - b: their variances
 * tell the variances of a and b together and their covariance, and identical images give exactly 1. */
INLINE void NAMED(take_row)(const comparing *c, comparing_scratch *s, const ptrdiff_t y, const ptrdiff_t left,
                            const ptrdiff_t count, const int slot)
{
    const uint8_t *valid = c->valid ? c->valid + y * c->valid_stride : NULL;
    NAMED(load)((const char *)c->first + y * c->first_stride, valid, c->kind, left - REACH, count, s->first);
    NAMED(load)((const char *)c->second + y * c->second_stride, valid, c->kind, left - REACH, count, s->second);
    for (ptrdiff_t x = count; x < IN; x++)
        s->first[x] = s->second[x] = 0;
    for (ptrdiff_t x = 0; x < IN; x++) {
        const double sum = (s->first[x] - c->pivot) + (s->second[x] - c->pivot), difference = s->first[x] - s->second[x];
        s->lines[SUM][x] = sum;
        s->lines[DIFFERENCE][x] = difference;
        s->lines[SUM_SQUARED][x] = sum * sum;
        s->lines[DIFFERENCE_SQUARED][x] = difference * difference;
    }
    for (int map = 0; map < MAPS; map++)
        NAMED(filter_along)(s->lines[map], c->taps, s->along[slot][map]);
    if (valid) {
        uint8_t counts[IN] = {0};
        for (ptrdiff_t x = 0; x < count; x++)
            counts[x] = valid[left - REACH + x] != 0;
        for (ptrdiff_t x = 0; x < SPAN; x++) {
            uint8_t full = 1;
            for (int k = 0; k <= 2 * REACH; k++)
                full &= counts[x + k];
            s->full[slot][x] = full;
        }
    }
}

/* Compare the windows of one row: luminance times contrast and structure, and the latter two alone. */
INLINE void NAMED(compare_row)(const comparing *c, comparing_scratch *s, const int slot)
{
    const double *restrict taps = c->taps;
    for (ptrdiff_t x = 0; x < SPAN; x++) {
        double mean[MAPS];
#pragma GCC unroll 4
        for (int map = 0; map < MAPS; map++) {
            mean[map] = taps[0] * s->along[slot + REACH][map][x];
#pragma GCC unroll 5
            for (int k = 1; k <= REACH; k++)
                mean[map] += taps[k] * (s->along[slot + REACH - k][map][x] + s->along[slot + REACH + k][map][x]);
        }
        const double level = mean[SUM] + 2 * c->pivot, sum = level * level;
        const double difference = mean[DIFFERENCE] * mean[DIFFERENCE];
        const double sums = mean[SUM_SQUARED] - mean[SUM] * mean[SUM], differences = mean[DIFFERENCE_SQUARED] - difference;
        s->contrast[x] = (sums - differences + c->contrast) / (sums + differences + c->contrast);
        s->similarity[x] = s->contrast[x] * ((sum - difference + c->luminance) / (sum + difference + c->luminance));
    }
    if (c->valid)
        for (ptrdiff_t x = 0; x < SPAN; x++) {
            uint8_t full = 1;
            for (int k = 0; k <= 2 * REACH; k++)
                full &= s->full[slot + k][x];
            s->full_down[x] = full;
        }
}

INLINE double NAMED(total)(const double *restrict values, const ptrdiff_t count)
{
    double sums[LANES] = {0};
    ptrdiff_t x = 0;
    for (; x + LANES <= count; x += LANES)
        for (int i = 0; i < LANES; i++)
            sums[i] += values[x + i];
    for (; x < count; x++)
        sums[0] += values[x];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

INLINE void NAMED(add)(const comparing *c, const int level, const double *similarity, const double *contrast,
                       const ptrdiff_t count, const ptrdiff_t weight)
{
    c->windows[level] += count * weight;
    c->similarities[level] += (double)weight * NAMED(total)(similarity, count);
    c->contrasts[level] += (double)weight * NAMED(total)(contrast, count);
}

/* Add a row of windows without levels: each stands for `scale` x `scale` pixels of the full resolution. */
INLINE void NAMED(add_plain)(const comparing *c, const comparing_scratch *s, const ptrdiff_t cols)
{
    const ptrdiff_t weight = c->scale * c->scale;
    if (!c->valid) {
        NAMED(add)(c, 0, s->similarity, s->contrast, cols, weight);
        return;
    }
    for (ptrdiff_t x = 0, count; x < cols; x += count) {
        count = run_of(s->full_down + x, cols - x);
        if (s->full_down[x])
            NAMED(add)(c, 0, s->similarity + x, s->contrast + x, count, weight);
    }
}

/* Add a row of windows by the levels of the pixels that each stands for. */
INLINE void NAMED(add_by_level)(const comparing *c, comparing_scratch *s, const ptrdiff_t y, const ptrdiff_t left,
                                const ptrdiff_t cols)
{
    const ptrdiff_t scale = c->scale, wide = cols * scale;
    for (ptrdiff_t x = 0; x < cols; x++)
        for (ptrdiff_t i = 0; i < scale; i++) {
            s->wide_similarity[x * scale + i] = s->similarity[x];
            s->wide_contrast[x * scale + i] = s->contrast[x];
            s->wide_full[x * scale + i] = s->full_down[x];
        }
    for (ptrdiff_t i = 0; i < scale; i++) {
        const uint8_t *levels = c->levels + ((y - c->top) * scale + i) * c->level_stride + (left - c->left) * scale;
        const uint8_t *codes = levels;
        if (c->valid) {
            for (ptrdiff_t x = 0; x < wide; x++)
                s->codes[x] = s->wide_full[x] ? levels[x] : 255;
            codes = s->codes;
        }
        for (ptrdiff_t x = 0, count; x < wide; x += count) {
            count = run_of(codes + x, wide - x);
            if (codes[x] < c->count)
                NAMED(add)(c, codes[x], s->wide_similarity + x, s->wide_contrast + x, count, 1);
        }
    }
}

/* Compare all windows, in columns of SPAN; what is filtered along the rows serves eleven rows of windows. */
TARGET int NAMED(geosal_compare)(const comparing *c)
{
    comparing_scratch *s = calloc(1, sizeof *s);
    if (!s)
        return 1;
    for (ptrdiff_t left = c->left; left < c->right; left += SPAN) {
        const ptrdiff_t cols = c->right - left < SPAN ? c->right - left : SPAN;
        for (ptrdiff_t top = c->top; top < c->bottom; top += DEEP) {
            const int rows = (int)(c->bottom - top < DEEP ? c->bottom - top : DEEP);
            const int kept = top > c->top ? 2 * REACH : 0;
            if (kept) {
                memmove(s->along[0], s->along[DEEP], sizeof s->along[0] * 2 * REACH);
                memmove(s->full[0], s->full[DEEP], sizeof s->full[0] * 2 * REACH);
            }
            for (int slot = kept; slot < rows + 2 * REACH; slot++)
                NAMED(take_row)(c, s, top - REACH + slot, left, cols + 2 * REACH, slot);
            for (int slot = 0; slot < rows; slot++) {
                NAMED(compare_row)(c, s, slot);
                if (c->levels)
                    NAMED(add_by_level)(c, s, top + slot, left, cols);
                else
                    NAMED(add_plain)(c, s, cols);
            }
        }
    }
    free(s);
    return 0;
}

/* Mean of each 2 x 2 pixels; at an odd edge its samples count twice. */
TARGET void NAMED(geosal_pool)(const pooling *p)
{
    double upper[2 * POOLED], lower[2 * POOLED];
    for (ptrdiff_t y = 0; y < p->height; y += 2) {
        const ptrdiff_t next = y + 1 < p->height ? y + 1 : y;
        const char *rows[2] = {(const char *)p->pixels + y * p->pixel_stride,
                               (const char *)p->pixels + next * p->pixel_stride};
        const uint8_t *valid[2] = {p->valid ? p->valid + y * p->valid_stride : NULL,
                                   p->valid ? p->valid + next * p->valid_stride : NULL};
        double *out = (double *)((char *)p->out + y / 2 * p->out_stride);
        for (ptrdiff_t x = 0; x < p->width; x += 2 * POOLED) {
            ptrdiff_t count = p->width - x < 2 * POOLED ? p->width - x : 2 * POOLED;
            NAMED(load)(rows[0], valid[0], p->kind, x, count, upper);
            NAMED(load)(rows[1], valid[1], p->kind, x, count, lower);
            if (count & 1) {
                upper[count] = upper[count - 1];
                lower[count] = lower[count - 1];
                count++;
            }
            for (ptrdiff_t i = 0; i < count / 2; i++)
                out[x / 2 + i] = (upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1]) / 4;
        }
    }
}
