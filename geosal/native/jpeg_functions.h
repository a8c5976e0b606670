/* Pixels to the quantised coefficients of a JPEG, and those to its bits. */
#include "jpeg_shape.h"
#include "jpeg_code.h"
#include "jpeg_huffman.h"

/* A DCT of eight rows, of every column on its own, in place. Orthonormal (ITU-T T.81, A.3.3, a factor a side). */
INLINE void NAMED(transform)(float rows[BLOCK][WIDEST], const ptrdiff_t width)
{
    const float c1 = 0.49039264020161522f, c2 = 0.46193976625564337f, c3 = 0.41573480615127262f;
    const float c4 = 0.35355339059327379f, c5 = 0.27778511650980109f, c6 = 0.19134171618254489f;
    const float c7 = 0.09754516100806413f; /* half the cosine of n * pi / 16 */
    for (ptrdiff_t x = 0; x < width; x++) {
        const float s0 = rows[0][x] + rows[7][x], d0 = rows[0][x] - rows[7][x];
        const float s1 = rows[1][x] + rows[6][x], d1 = rows[1][x] - rows[6][x];
        const float s2 = rows[2][x] + rows[5][x], d2 = rows[2][x] - rows[5][x];
        const float s3 = rows[3][x] + rows[4][x], d3 = rows[3][x] - rows[4][x];
        const float outer = s0 + s3, inner = s1 + s2, high = s0 - s3, low = s1 - s2;
        rows[0][x] = c4 * (outer + inner);
        rows[4][x] = c4 * (outer - inner);
        rows[2][x] = c2 * high + c6 * low;
        rows[6][x] = c6 * high - c2 * low;
        rows[1][x] = (c1 * d0 + c3 * d1) + (c5 * d2 + c7 * d3);
        rows[3][x] = (c3 * d0 - c7 * d1) - (c1 * d2 + c5 * d3);
        rows[5][x] = (c5 * d0 - c1 * d1) + (c7 * d2 + c3 * d3);
        rows[7][x] = (c7 * d0 - c5 * d1) + (c3 * d2 - c1 * d3);
    }
}

/* Each block of a strip on its own, its rows to columns. */
INLINE void NAMED(transpose)(float in[BLOCK][WIDEST], float out[BLOCK][WIDEST], const ptrdiff_t width)
{
    for (ptrdiff_t left = 0; left < width; left += BLOCK)
        for (int y = 0; y < BLOCK; y++)
            for (int x = 0; x < BLOCK; x++)
                out[x][left + y] = in[y][left + x];
}

/* What the blocks of one component share. */
typedef struct {
    float inverses[SAMPLES];  /* of the steps, column by column */
    float squares[SAMPLES];   /* of the steps, in zigzag order, in units of the error of a pixel */
    NAMED(rates) rates;
    float price;              /* of a bit for a step of 1 */
} NAMED(component);

/* Variance of the samples of a block. */
INLINE float NAMED(variance)(const float turned[BLOCK][WIDEST], const ptrdiff_t left)
{
    float lanes[BLOCK] = {0.0f}, energy = 0.0f;
    for (int u = 0; u < BLOCK; u++)
        for (int v = 0; v < BLOCK; v++) {
            const float wave = u + v ? turned[u][left + v] : 0.0f;
            lanes[v] += wave * wave;
        }
    for (int v = 0; v < BLOCK; v++)
        energy += lanes[v];
    return energy / SAMPLES;
}

/* The share of the price of a bit that a block pays, by its variance and the squared step that the price stands for: a
   faint one keeps what shows in it, which structural similarity sees and squared errors do not. Similarity alone would
   have the share grow with the variance, squared errors have none; this is its power of 5/8. */
INLINE float NAMED(share_of_price)(const float variance, const float square)
{
    const float faint = 29.0f; /* half of SSIM's C2, (0.03 * 255)^2 (Wang et al. 2004, equation 13) */
    const float root = sqrtf((variance + faint) / (square + faint)), share = root * sqrtf(sqrtf(root));
    return share < 2.0f ? share : 2.0f;
}

/* Whether a block would turn flat that shows: one of its lowest frequencies is above a fifth of the step that its price
   stands for. Where that rounds to 0 it becomes 1, unless the contrast of the block would be half as much again. */
INLINE int NAMED(must_show)(const float *exact, const float *squares, const float variance, const float square,
                            int16_t *found)
{
    const int lowest = 10;
    const float shows = 0.2f * 0.2f * square, most_contrast = 1.5f * 1.5f * SAMPLES;
    float most = 0.0f;
    int where = 0;
    for (int k = 1; k < lowest; k++)
        if (exact[k] * exact[k] * squares[k] > most) {
            most = exact[k] * exact[k] * squares[k];
            where = k;
        }
    if (most <= shows)
        return 0;
    if (!found[where] && squares[where] <= most_contrast * variance)
        found[where] = exact[where] < 0.0f ? -1 : 1;
    return 1;
}

/* A strip of blocks, transformed both ways; the blocks of an MCU lie `apart` blocks from those of the next. `prices` of
   a bit are for chroma those of the luma that shares its MCU, which go before. */
TARGET INLINE void NAMED(quantise_strip)(const NAMED(component) *c, float strip[BLOCK][WIDEST], const ptrdiff_t mcus,
                                  const int across, const int block, const int luma, const float *weights,
                                  float *prices, const int blocks, int16_t *out)
{
    float turned[BLOCK][WIDEST];
    NAMED(group) group = {0};
    NAMED(transform)(strip, mcus * across * BLOCK);
    NAMED(transpose)(strip, turned, mcus * across * BLOCK);
    NAMED(transform)(turned, mcus * across * BLOCK);
    for (ptrdiff_t mcu = 0; mcu < mcus; mcu++)
        for (int i = 0; i < across; i++) {
            const ptrdiff_t left = (mcu * across + i) * BLOCK;
            float exact[SAMPLES];
            int16_t whole[SAMPLES], *to = out + (mcu * blocks + block + i) * SAMPLES;
            for (int u = 0; u < BLOCK; u++)
                for (int v = 0; v < BLOCK; v++) {
                    const float magic = 12582912.0f; /* 1.5 * 2^23: what is added to it is rounded to integers */
                    const float in_steps = turned[u][left + v] * c->inverses[u * BLOCK + v];
                    const float rounded = (in_steps + magic) - magic;
                    const float least = rounded < -1023.0f ? -1023.0f : rounded;
                    exact[u * BLOCK + v] = in_steps;
                    whole[u * BLOCK + v] = (int16_t)(int32_t)(least > 1023.0f ? 1023.0f : least);
                }
            for (int k = 0; k < SAMPLES; k++)
                to[k] = whole[TURNED(ZIGZAG[k])];
            if (weights && weights[mcu] > 0.0f) {
                float ordered[SAMPLES], price = prices[mcu];
                int shows = 0;
                for (int k = 0; k < SAMPLES; k++)
                    ordered[k] = exact[TURNED(ZIGZAG[k])];
                if (block < luma) {
                    const float variance = NAMED(variance)(turned, left), square = weights[mcu] / c->price;
                    price = weights[mcu] * NAMED(share_of_price)(variance, square);
                    prices[mcu] += price / (float)luma;
                    shows = NAMED(must_show)(ordered, c->squares, variance, square, to);
                }
                NAMED(join)(&group, ordered, price, shows, to);
                if (group.count == LANES)
                    NAMED(shape)(&group, c->squares, &c->rates);
            }
        }
    for (int lane = group.count; group.count && lane < LANES; lane++)
        for (int k = 1; k < SAMPLES; k++)
            group.found[k][lane] = 0; /* of the group before */
    if (group.count)
        NAMED(shape)(&group, c->squares, &c->rates);
}

/* Rows of samples of some MCUs; what lies beyond the edges repeats the last column and the last row. */
INLINE void NAMED(take)(const quantising_blocks *q, const int band, const ptrdiff_t top, const ptrdiff_t left,
                        const int rows, const ptrdiff_t width, uint8_t out[2 * BLOCK][WIDEST])
{
    const ptrdiff_t inside = q->width - left < width ? q->width - left : width;
    for (int y = 0; y < rows; y++) {
        const ptrdiff_t row = top + y < q->height ? top + y : q->height - 1;
        memcpy(out[y], q->pixels + band * q->band_stride + row * q->row_stride + left, (size_t)inside);
        memset(out[y] + inside, out[y][inside - 1], (size_t)(width - inside));
    }
}

/* Colours as in JFIF 1.02, less 128; chroma in the mean of the pixels that share it. */
INLINE void NAMED(luma)(uint8_t in[3][2 * BLOCK][WIDEST], const int bands, const int top, const ptrdiff_t width,
                        float out[BLOCK][WIDEST])
{
    for (int y = 0; y < BLOCK; y++) {
        const uint8_t *red = in[0][top + y], *green = in[1][top + y], *blue = in[2][top + y];
        if (bands == 1)
            for (ptrdiff_t x = 0; x < width; x++)
                out[y][x] = (float)red[x] - 128.0f;
        else
            for (ptrdiff_t x = 0; x < width; x++)
                out[y][x] = 0.299f * (float)red[x] + 0.587f * (float)green[x] + 0.114f * (float)blue[x] - 128.0f;
    }
}

INLINE void NAMED(chroma_of)(const float red, const float green, const float blue, float *cb, float *cr)
{
    *cb = 0.5f * blue - 0.168735892f * red - 0.331264108f * green;
    *cr = 0.5f * red - 0.418687589f * green - 0.081312411f * blue;
}

INLINE void NAMED(chroma)(uint8_t in[3][2 * BLOCK][WIDEST], const int side, const ptrdiff_t width,
                          float cb[BLOCK][WIDEST], float cr[BLOCK][WIDEST])
{
    for (int y = 0; y < BLOCK; y++)
        if (side == 1)
            for (ptrdiff_t x = 0; x < width; x++)
                NAMED(chroma_of)(in[0][y][x], in[1][y][x], in[2][y][x], &cb[y][x], &cr[y][x]);
        else {
            float means[3][WIDEST / 2];
            for (int band = 0; band < 3; band++) {
                const uint8_t *above = in[band][2 * y], *below = in[band][2 * y + 1];
                for (ptrdiff_t x = 0; x < width; x++)
                    means[band][x] = 0.25f * (float)(above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1]);
            }
            for (ptrdiff_t x = 0; x < width; x++)
                NAMED(chroma_of)(means[0][x], means[1][x], means[2][x], &cb[y][x], &cr[y][x]);
        }
}

/* Blocks of luma that lie beyond the edges altogether: what takes the least bits. */
INLINE void NAMED(blank)(const quantising_blocks *q, const ptrdiff_t row, const ptrdiff_t col, int16_t *mcu)
{
    for (int block = 1; block < q->side * q->side; block++) {
        const ptrdiff_t top = (row * q->side + block / q->side) * BLOCK;
        const ptrdiff_t left = (col * q->side + block % q->side) * BLOCK;
        if (top >= q->height || left >= q->width) {
            memset(mcu + block * SAMPLES, 0, SAMPLES * sizeof *mcu);
            mcu[block * SAMPLES] = mcu[(block - 1) * SAMPLES];
        }
    }
}

INLINE void NAMED(prepare)(const quantising_blocks *q, const int component, NAMED(component) *c)
{
    /* Mean squared error of R, G and B by that of Y, Cb and Cr (JFIF 1.02: a third of 1.772^2 + 0.34414^2, and of
       1.402^2 + 0.71414^2); and each of chroma stands for the pixels that share it. */
    const float shares[] = {1.0f, 1.0861f, 0.8252f};
    const float share = shares[component] * (component ? (float)(q->side * q->side) : 1.0f);
    const uint16_t *table = q->tables + (component ? SAMPLES : 0);
    for (int k = 0; k < SAMPLES; k++) {
        const float step = table[ZIGZAG[k]];
        c->squares[k] = share * step * step;
        c->inverses[TURNED(ZIGZAG[k])] = 1.0f / step;
    }
    c->price = q->price;
    if (q->weights)
        NAMED(count_bits)(q->lengths + (component ? SYMBOLS : 0), &c->rates);
}

TARGET void NAMED(geosal_jpeg_quantise)(const quantising_blocks *q)
{
    const int luma = q->side * q->side, blocks = luma + (q->bands == 3 ? 2 : 0), high = q->side * BLOCK;
    NAMED(component) components[3];
    uint8_t samples[3][2 * BLOCK][WIDEST];
    float first[BLOCK][WIDEST], second[BLOCK][WIDEST];
    for (int component = 0; component < q->bands; component++)
        NAMED(prepare)(q, component, components + component);
    for (ptrdiff_t row = 0; row < q->mcu_rows; row++)
        for (ptrdiff_t col = 0; col < q->mcu_cols; col += MCUS) {
            const ptrdiff_t mcus = q->mcu_cols - col < MCUS ? q->mcu_cols - col : MCUS, width = mcus * high;
            const float *weights = q->weights ? q->weights + row * q->mcu_cols + col : NULL;
            int16_t *out = q->out + (row * q->mcu_cols + col) * blocks * SAMPLES;
            float prices[MCUS] = {0.0f};
            for (int band = 0; band < q->bands; band++)
                NAMED(take)(q, band, row * high, col * high, high, width, samples[band]);
            for (int i = 0; i < q->side; i++) {
                NAMED(luma)(samples, q->bands, i * BLOCK, width, first);
                NAMED(quantise_strip)(components, first, mcus, q->side, i * q->side, luma, weights, prices, blocks,
                                      out);
            }
            if (q->bands == 3) {
                NAMED(chroma)(samples, q->side, mcus * BLOCK, first, second);
                NAMED(quantise_strip)(components + 1, first, mcus, 1, luma, luma, weights, prices, blocks, out);
                NAMED(quantise_strip)(components + 2, second, mcus, 1, luma + 1, luma, weights, prices, blocks, out);
            }
            for (ptrdiff_t mcu = 0; mcu < mcus; mcu++)
                NAMED(blank)(q, row, col + mcu, out + mcu * blocks * SAMPLES);
        }
}
