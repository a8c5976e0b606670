/* Huffman tables of a JPEG: the best lengths of codes, and the codes. */

#define LONGEST_CODE 16
#define MOST_ITEMS (2 * (SYMBOLS + 1)) /* symbols and pairs in a list */

/* Sort symbols that occur by what they weigh, and those of one weight by number; returns how many there are. */
INLINE int NAMED(by_weight)(const int64_t *counts, uint8_t *order)
{
    int used = 0;
    for (int symbol = 0; symbol < SYMBOLS; symbol++) {
        if (!counts[symbol])
            continue;
        int at = used++;
        for (; at && counts[order[at - 1]] > counts[symbol]; at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)symbol;
    }
    return used;
}

/* Bits of the code of each symbol of a table by package-merge; a symbol without weight gets the code of all ones. */
INLINE void NAMED(lengths_of)(const int64_t *counts, uint8_t *lengths)
{
    uint8_t order[SYMBOLS], is_symbol[LONGEST_CODE][MOST_ITEMS] = {{0}};
    int64_t leaves[SYMBOLS + 1] = {0}, weights[2][MOST_ITEMS];
    const int used = NAMED(by_weight)(counts, order), count = used + 1;
    memset(lengths, 0, SYMBOLS);
    if (!used)
        return;
    for (int n = 0; n < used; n++)
        leaves[n + 1] = counts[order[n]];
    memcpy(weights[0], leaves, sizeof leaves);
    memset(is_symbol[0], 1, (size_t)count);
    for (int list = 1, pairs = count / 2; list < LONGEST_CODE; list++) {
        const int64_t *before = weights[(list - 1) % 2];
        int leaf = 0, pair = 0;
        while (leaf < count || pair < pairs) { /* of the same weight symbols go first */
            const int64_t both = pair < pairs ? before[2 * pair] + before[2 * pair + 1] : INT64_MAX;
            const int takes = leaf < count && (pair == pairs || leaves[leaf] <= both);
            weights[list % 2][leaf + pair] = takes ? leaves[leaf] : both;
            is_symbol[list][leaf + pair] = (uint8_t)takes;
            leaf += takes;
            pair += !takes;
        }
        pairs = (count + pairs) / 2;
    }
    for (int list = LONGEST_CODE - 1, taken = 2 * (count - 1); list >= 0; list--) {
        int chosen = 0;
        for (int item = 0; item < taken; item++)
            chosen += is_symbol[list][item];
        for (int n = 1; n < chosen; n++) /* the lightest ones */
            lengths[order[n - 1]]++;
        taken = 2 * (taken - chosen);
    }
}

TARGET void NAMED(geosal_jpeg_lengths)(const int64_t *counts, uint8_t *lengths)
{
    for (int table = 0; table < TABLES; table++)
        NAMED(lengths_of)(counts + table * SYMBOLS, lengths + table * SYMBOLS);
}

/* Codes in the order of their lengths, then of their symbols (ITU-T T.81, annex C): code << 8 | length in bits; and of
   each table how many codes have 1, 2 ... 16 bits, and its symbols in that order. */
TARGET void NAMED(geosal_jpeg_codes)(const uint8_t *lengths, uint32_t *codes, uint8_t *listed)
{
    for (int table = 0; table < TABLES; table++, lengths += SYMBOLS, codes += SYMBOLS, listed += LISTED) {
        uint32_t value = 0;
        uint8_t *symbols = listed + LONGEST_CODE;
        for (int length = 1; length <= LONGEST_CODE; length++, value <<= 1)
            for (int symbol = 0; symbol < SYMBOLS; symbol++)
                if (lengths[symbol] == length) {
                    codes[symbol] = value++ << 8 | (uint32_t)length;
                    listed[length - 1]++;
                    *symbols++ = (uint8_t)symbol;
                }
    }
}
