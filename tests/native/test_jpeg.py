"""The C functions of a JPEG against SciPy's DCT, exhaustive search, and decoders."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn, idctn

from geosal.errors import UsageError
from geosal.formats.jpeg import stream
from geosal.formats.jpeg.huffman import HuffmanTables
from geosal.formats.jpeg.stream import Tables
from geosal.formats.jpeg.tables import code_lengths, steps
from geosal.formats.quality import ANNEX_K, FLAT
from geosal.native import jpeg, library
from geosal.native.jpeg import PRICE, code, quantised, symbols

ZIGZAG = stream.zigzag()
TO_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def picture(bands: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (4 + band)) * 50 + np.cos(y / (3 + band)) * 40 + 128 for band in range(bands)]
    return np.clip(np.stack(waves) + rng.normal(0, 9, (bands, height, width)), 0, 255).astype(np.uint8)


def by_scipy(pixels: NDArray[np.uint8], tables: NDArray[np.uint16], side: int) -> NDArray[np.float64]:
    """Coefficients in steps, laid out as in the stream; with all blocks, also those beyond the edges."""
    pads = [(0, 0), *((0, -length % (8 * side)) for length in pixels.shape[1:])]
    planes = np.pad(pixels, pads, mode="edge").astype(float)
    planes = (
        planes - 128 if len(pixels) == 1 else np.tensordot(TO_YCBCR, planes, 1) - np.array([128, 0, 0])[:, None, None]
    )
    rows, cols = (length // (8 * side) for length in planes.shape[1:])

    def blocks(plane: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        cut = plane.reshape(rows, side, 8, cols, side, 8).transpose(0, 3, 1, 4, 2, 5)
        return dctn(cut, axes=(-2, -1), norm="ortho").reshape(rows, cols, side**2, 64)

    found = [blocks(planes[0], side) / tables[0]]
    for plane in planes[1:]:
        mean = plane.reshape(rows * 8, side, cols * 8, side).mean(axis=(1, 3))
        found.append(blocks(mean, 1) / tables[1])
    return np.concatenate(found, axis=2)[..., ZIGZAG]


@pytest.mark.parametrize(("bands", "subsampling"), [(1, "420"), (3, "420"), (3, "444")])
@pytest.mark.parametrize("shape", [(64, 96), (48, 640), (16, 272)])
@pytest.mark.parametrize("quality", [1, 50, 88.5, 100])
def test_coefficients_are_those_of_scipy(bands: int, subsampling: str, shape: tuple[int, int], quality: float) -> None:
    pixels = picture(bands, *shape)
    side = 2 if bands == 3 and subsampling == "420" else 1
    tables = steps(quality, ANNEX_K)  # each entry its own, and often the largest of all
    exact = by_scipy(pixels, tables, side)
    found = quantised(pixels, tables, subsampling)
    assert found.dtype == np.int16
    assert np.abs(found - exact).max() < 0.5 + 1e-3


@pytest.mark.parametrize(("bands", "subsampling"), [(1, "420"), (3, "420"), (3, "444")])
@pytest.mark.parametrize("shape", [(1, 1), (17, 33), (24, 8), (9, 300), (33, 23)])
def test_edges_go_on_and_blocks_beyond_them_cost_nothing(bands: int, subsampling: str, shape: tuple[int, int]) -> None:
    pixels = picture(bands, *shape)
    side = 2 if bands == 3 and subsampling == "420" else 1
    exact = by_scipy(pixels, steps(90), side)
    found = quantised(pixels, steps(90), subsampling)
    assert found.shape == exact.shape
    for row, col, block in itertools.product(*map(range, found.shape[:3])):
        down, right = divmod(block, side) if block < side**2 else (0, 0)
        if ((row * side + down) * 8 < shape[0] and (col * side + right) * 8 < shape[1]) or block >= side**2:
            assert np.abs(found[row, col, block] - exact[row, col, block]).max() < 0.5 + 1e-3
        else:
            assert found[row, col, block, 0] == found[row, col, block - 1, 0]
            assert not found[row, col, block, 1:].any()


def cost_of(
    exact: NDArray[np.float64], values: NDArray[np.int_], squares: NDArray[np.float64], price: float, kind: int = 0
) -> float:
    """What is to be the least, counted the slow way: AC only."""
    lengths, bits, run = code_lengths()[kind], 0, 0
    for value in values[1:]:
        if not value:
            run += 1
            continue
        bits += run // 16 * int(lengths[0xF0])
        size = int(abs(value)).bit_length()
        bits += int(lengths[run % 16 * 16 + size]) + size
        run = 0
    bits += int(lengths[0]) if run else 0
    return float((squares * (exact - values) ** 2)[1:].sum() + price * bits)


def price_of(exact: NDArray[np.float64], table: NDArray[np.uint16], weight: float) -> float:
    """Of a bit in a block of luma: by its variance, against the squared step that its weight stands for."""
    return weight * min(((variance_of(exact, table) + 29) / (weight / PRICE + 29)) ** 0.625, 2)


def variance_of(exact: NDArray[np.float64], table: NDArray[np.uint16]) -> float:
    return float(np.sum((exact * table[ZIGZAG])[1:] ** 2)) / 64


def shown(
    exact: NDArray[np.float64], plain: NDArray[np.int_], table: NDArray[np.uint16], weight: float
) -> NDArray[np.int_] | None:
    """What a block of luma is shaped from where something has to be left of it; None where nothing has to.

    The largest of the nine lowest frequencies is above a fifth of the step that the weight stands for, and becomes 1
    where that does not raise the contrast by more than a half.
    """
    found, sizes = plain.copy(), np.abs(exact * table[ZIGZAG])
    largest = 1 + int(np.argmax(sizes[1:10]))
    if sizes[largest] <= 0.2 * np.sqrt(weight / PRICE):
        return None
    if not found[largest] and int(table[ZIGZAG][largest]) / 8 <= 1.5 * np.sqrt(variance_of(exact, table)):
        found[largest] = int(np.sign(exact[largest]))
    return found if found[1:].any() else None


def choices_of(plain: NDArray[np.int_]) -> list[range]:
    """Magnitudes from 0 to the rounded one, of each AC coefficient."""
    return [range(abs(int(value)) + 1) for value in plain[1:]]


def is_few(plain: NDArray[np.int_], most: int) -> bool:
    return float(np.prod([float(len(choice)) for choice in choices_of(plain)])) <= most


def least_cost(
    exact: NDArray[np.float64],
    plain: NDArray[np.int_],
    squares: NDArray[np.float64],
    price: float,
    kind: int = 0,
    *,
    nothing: bool = True,
) -> float:
    """Of every choice; where `nothing` is False, of those that leave something."""
    return min(
        cost_of(exact, np.array([plain[0], *(magnitudes * np.sign(plain[1:]))]), squares, price, kind)
        for magnitudes in map(np.array, itertools.product(*choices_of(plain)))
        if nothing or magnitudes.any()
    )


@given(
    seed=st.integers(0, 2**31),
    contrast=st.floats(1, 120),
    quality=st.floats(1, 90),
    weight=st.floats(0.5, 3000),
    kind=st.sampled_from([FLAT, ANNEX_K]),
)
def test_shaped_blocks_are_the_best_of_all(
    seed: int, contrast: float, quality: float, weight: float, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    some = np.where(rng.random(64) < 0.1, rng.normal(0, 1, 64), 0).reshape(8, 8)
    pixels = np.clip(idctn(some, norm="ortho") * contrast * 4 + 128, 0, 255).astype(np.uint8)[None]
    tables = steps(quality, kind)
    exact = by_scipy(pixels, tables, 1)[0, 0, 0]
    squares = tables[0][ZIGZAG].astype(float) ** 2
    plain = quantised(pixels, tables, "444")[0, 0, 0].astype(int)
    assume(plain[1:].any())
    assume(is_few(plain, 5000))
    price, least = price_of(exact, tables[0], weight), shown(exact, plain, tables[0], weight)
    weights = np.full((1, 1), weight, np.float32)
    found = quantised(pixels, tables, "444", weights, code_lengths())[0, 0, 0].astype(int)
    assert found[0] == plain[0]
    best = least_cost(exact, plain if least is None else least, squares, price, nothing=least is None)
    assert cost_of(exact, found, squares, price) == pytest.approx(best, rel=1e-4, abs=1e-2)


@pytest.mark.parametrize(("subsampling", "side"), [("420", 2), ("444", 1)])
@given(seed=st.integers(0, 2**31), quality=st.floats(5, 60), weight=st.floats(5, 1000))
def test_chroma_pays_the_mean_price_of_its_luma(
    subsampling: str, side: int, seed: int, quality: float, weight: float
) -> None:
    """And its errors are those of R, G and B, of all pixels that share it; the blocks of luma pay each their own."""
    rng = np.random.default_rng(seed)
    length = 8 * side
    some = np.where(rng.random((3, length, length)) < 0.03, rng.normal(0, 150 * side, (3, length, length)), 0)
    planes = idctn(some, axes=(1, 2), norm="ortho") * np.array([1, 0.6, 0.6])[:, None, None]
    pixels = np.clip(np.rint(np.tensordot(np.linalg.inv(TO_YCBCR), planes, 1) + 128), 0, 255).astype(np.uint8)
    tables = steps(quality)
    exact = by_scipy(pixels, tables, side)[0, 0]
    plain = quantised(pixels, tables, subsampling)[0, 0].astype(int)
    assume(plain[:, 1:].any())
    assume(all(is_few(block, 1000) for block in plain))
    found = quantised(pixels, tables, subsampling, np.full((1, 1), weight, np.float32), code_lengths())[0, 0]
    prices = [price_of(block, tables[0], weight) for block in exact[: side**2]]
    prices += [float(np.mean(prices))] * 2
    back = np.linalg.inv(TO_YCBCR)
    shares = [1.0] * side**2 + [side**2 * float(np.mean(back[:, band] ** 2)) for band in (1, 2)]
    for number, (price, share) in enumerate(zip(prices, shares, strict=True)):
        kind = int(number >= side**2)
        squares = share * tables[kind][ZIGZAG].astype(float) ** 2
        cost = cost_of(exact[number], found[number].astype(int), squares, price, kind)
        least = None if kind else shown(exact[number], plain[number], tables[0], weight)
        begun = plain[number] if least is None else least
        best = least_cost(exact[number], begun, squares, price, kind, nothing=least is None)
        assert cost == pytest.approx(best, rel=1e-3, abs=0.1)


def test_each_block_of_luma_counts_for_the_price_of_chroma() -> None:
    """One of four is contrasty, whichever it is: chroma pays more than beside none, and less than beside four."""
    ripple, slope = np.zeros((8, 8)), np.zeros((8, 8))
    ripple[0, 3], slope[0, 1], slope[1, 0] = 1, 300, 300
    tables = np.full((2, 64), 4, np.uint16)

    def kept(contrasty: set[int]) -> int:
        luma = np.full((16, 16), 128.0)
        for number in contrasty:
            down, right = divmod(number, 2)
            luma[8 * down : 8 * down + 8, 8 * right : 8 * right + 8] += idctn(slope, norm="ortho")
        sizes = []
        for size in range(3, 40):
            blue = idctn(ripple * size, norm="ortho").repeat(2, 0).repeat(2, 1)
            planes = np.stack([luma, blue, np.zeros_like(blue)])
            pixels = np.rint(np.tensordot(np.linalg.inv(TO_YCBCR), planes, 1)).astype(np.uint8)
            found = quantised(pixels, tables, "420", np.full((1, 1), 40, np.float32), code_lengths())
            sizes.append(bool(found[0, 0, 4, 1:].any()))
        return sum(sizes)

    some = [kept({number}) for number in range(4)]
    assert len(set(some)) == 1
    assert kept(set()) > some[0] > kept({0, 1}) > kept({0, 1, 2, 3}) > 0


def test_a_faint_block_keeps_what_a_contrasty_one_gives_up() -> None:
    """Structural similarity sees it there: of two blocks with one such coefficient, the one with others beside it."""
    faint = np.zeros((8, 8))
    faint[0, 5] = 22
    contrasty = faint.copy()
    contrasty[1, 0] = contrasty[0, 1] = 300
    blocks = [idctn(block, norm="ortho") + 128 for block in (faint, contrasty)]
    pixels = np.rint(np.concatenate(blocks, axis=1)).astype(np.uint8)[None]
    tables = np.full((2, 64), 20, np.uint16)
    plain = quantised(pixels, tables, "444")
    found = quantised(pixels, tables, "444", np.full((1, 2), 40, np.float32), code_lengths())
    at = int(np.flatnonzero(ZIGZAG == 5)[0])
    assert plain[0, :, 0, at].tolist() == [1, 1]
    assert found[0, :, 0, at].tolist() == [1, 0]


@pytest.mark.parametrize(("size", "step", "left"), [(0.22, 0.9, 1), (0.18, 0.9, 0), (0.22, 0.2, 1), (0.18, 0.2, 0)])
def test_what_shows_of_a_faint_block_does_not_vanish(size: float, step: float, left: int) -> None:
    """A fifth of the step that a weight stands for decides, whether the tables have that step or finer ones."""
    wanted = 40.0
    waves = np.zeros((8, 8))
    waves[1, 2] = size * wanted
    waves[6:, 6:] = 14  # contrast enough
    pixels = np.clip(np.rint(idctn(waves, norm="ortho") + 128), 0, 255).astype(np.uint8)[None]
    tables = np.full((2, 64), round(step * wanted), np.uint16)
    weights = np.full((1, 1), PRICE * wanted**2, np.float32)
    found = quantised(pixels, tables, "444", weights, code_lengths())[0, 0, 0]
    assert np.count_nonzero(found[1:]) == left
    at = int(np.flatnonzero(ZIGZAG == 10)[0])
    assert np.abs(found[at]) == left * round(size / step) or step > size


def test_no_block_gets_much_more_contrast_than_it_has() -> None:
    """A lone coefficient of a third of its step would become three times as large; it goes."""
    waves = np.zeros((8, 8))
    waves[0, 1] = 14
    pixels = np.rint(idctn(waves, norm="ortho") + 128).astype(np.uint8)[None]
    tables = np.full((2, 64), 40, np.uint16)
    weights = np.full((1, 1), PRICE * 40**2, np.float32)
    assert not quantised(pixels, tables, "444", weights, code_lengths())[0, 0, 0, 1:].any()


@pytest.mark.parametrize("bands", [1, 3])
def test_a_weight_is_that_of_its_mcu_and_of_no_other(bands: int) -> None:
    pixels = picture(bands, 70, 600)
    plain = quantised(pixels, steps(85), "420")
    weights = np.where(np.random.default_rng(1).random(plain.shape[:2]) < 0.5, 0, 90).astype(np.float32)
    some = quantised(pixels, steps(85), "420", weights, code_lengths())
    every = quantised(pixels, steps(85), "420", np.full_like(weights, 90), code_lengths())
    np.testing.assert_array_equal(some, np.where(weights[..., None, None] > 0, every, plain))
    assert np.count_nonzero(every) < 0.8 * np.count_nonzero(plain)
    assert (np.abs(every) <= np.abs(plain)).all()


def test_a_weight_is_in_squared_errors_of_rgb() -> None:
    """Chroma that is not worth its bits goes, that which is stays: it stands for four pixels in three bands."""
    flat = np.full((3, 16, 16), 128, np.uint8)
    flat[0] += (np.indices((16, 16))[1] // 2 % 2 * 24).astype(np.uint8)
    weight = np.ones((1, 1), np.float32)
    plain = quantised(flat, steps(95), "420")
    chroma = {
        lam: np.count_nonzero(quantised(flat, steps(95), "420", weight * lam, code_lengths())[0, 0, 4:, 1:])
        for lam in (1, 1e6)
    }
    assert np.count_nonzero(plain[0, 0, 4:, 1:]) >= chroma[1] > chroma[1e6] == 0


@pytest.mark.parametrize("variant", [4, 3, 0])
def test_every_variant_gives_the_same_bits(variant: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster may mix processors."""
    if variant > library.load("_jpeg").geosal_processor():
        pytest.skip("this processor cannot run it")
    noise = np.random.default_rng(2).integers(0, 256, (3, 210, 333), np.uint8)
    pixels = [picture(3, 210, 333), picture(1, 210, 333), noise]

    def results() -> list[NDArray[np.int16]]:
        found = []
        for image, subsampling, quality in itertools.product(pixels, ("420", "444"), (30, 95)):
            plain = quantised(image, steps(quality), subsampling)
            rng, found = np.random.default_rng(3), [*found, plain]
            for weights in (rng.uniform(-10, 90, plain.shape[:2]), 10 ** rng.uniform(-9, 30, plain.shape[:2])):
                found.append(quantised(image, steps(quality), subsampling, weights.astype(np.float32), code_lengths()))
        return found

    first = results()
    bits = [code(each, HuffmanTables.of(each).codes) for each in first]
    monkeypatch.setattr(
        "geosal.native.jpeg.function", lambda lib, name: getattr(library.load(lib), f"{name}_v{variant}")
    )
    for one, other in zip(first, results(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert bits == [code(each, HuffmanTables.of(each).codes) for each in first]


def counted(coefficients: NDArray[np.int16]) -> NDArray[np.int_]:
    counts = np.zeros((4, 256), int)
    for row in coefficients.astype(int):
        last = [0, 0, 0]
        for mcu in row:
            for at, block in enumerate(mcu):
                component = 0 if len(mcu) == 1 or at < len(mcu) - 2 else at - len(mcu) + 3
                kind = int(component > 0)
                counts[kind, int(abs(block[0] - last[component])).bit_length()] += 1
                last[component] = block[0]
                places = [0, *np.flatnonzero(block[1:]) + 1]
                for before, here in itertools.pairwise(places):
                    zeros = int(here - before - 1)
                    counts[2 + kind, 0xF0] += zeros // 16
                    counts[2 + kind, zeros % 16 * 16 + int(abs(block[here])).bit_length()] += 1
                counts[2 + kind, 0] += places[-1] < 63
    return counts


@given(seed=st.integers(0, 2**31), blocks=st.sampled_from([1, 3, 6]), share=st.sampled_from([0, 0.02, 0.3, 1]))
def test_symbols_are_those_of_the_standard(seed: int, blocks: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    found = rng.integers(-1023, 1024, (2, 3, blocks, 64)) >> rng.integers(0, 11, (2, 3, blocks, 64))
    coefficients = np.where(rng.random(found.shape) < share, found, 0).astype(np.int16)
    counts = symbols(coefficients)
    np.testing.assert_array_equal(counts, counted(coefficients))
    huffman = HuffmanTables.of(coefficients)
    through = counted(coefficients.reshape(1, 6, blocks, 64))
    segment = code(coefficients, huffman.codes).replace(b"\xff\0", b"\xff")
    assert len(segment) == -(-huffman.bits(through) // 8)


def decoded(
    coefficients: NDArray[np.int16], segments: list[bytes], shape: tuple[int, int], interval: int
) -> NDArray[np.uint8]:
    bands = 1 if coefficients.shape[2] == 1 else 3
    huffman = HuffmanTables.optimal(symbols(coefficients), complete=True)
    head = stream.head(shape, Tables(steps(80)), huffman, bands=bands, subsampling="420", restart_interval=interval)
    joined = b"".join(part + stream.restart(n) for n, part in enumerate(segments[:-1])) + segments[-1]
    return np.asarray(Image.open(io.BytesIO(head + joined + stream.END)))


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_restart_markers_show_nowhere(bands: int, rows: int) -> None:
    pixels = picture(bands, 200, 117)
    found = quantised(pixels, steps(80), "420")
    codes = HuffmanTables.optimal(symbols(found), complete=True).codes
    expected = decoded(found, [code(found, codes)], (200, 117), 0)
    cut = [code(found[top : top + rows], codes) for top in range(0, len(found), rows)]
    np.testing.assert_array_equal(decoded(found, cut, (200, 117), rows * found.shape[1]), expected)
    planes = np.moveaxis(np.atleast_3d(expected), -1, 0).astype(float)
    assert np.abs(planes - pixels).mean() < 9  # as with libjpeg


@pytest.mark.parametrize(("bands", "subsampling", "side"), [(1, "420", 8), (3, "420", 16), (3, "444", 8)])
def test_tiles_side_by_side_are_the_image(bands: int, subsampling: str, side: int) -> None:
    pixels = picture(bands, 150, 331)
    whole = quantised(pixels, steps(75), subsampling)
    size = 4 * side
    rows = [
        np.concatenate(
            [quantised(pixels[:, y : y + size, x : x + size], steps(75), subsampling) for x in range(0, 331, size)], 1
        )
        for y in range(0, 150, size)
    ]
    np.testing.assert_array_equal(np.concatenate(rows), whole)


def test_arrays_of_any_layout_are_taken() -> None:
    base = np.ascontiguousarray(np.moveaxis(picture(3, 40, 50), 0, -1))
    view = np.moveaxis(base, -1, 0)
    np.testing.assert_array_equal(
        quantised(view[:, ::-1], steps(75), "420"), quantised(view[:, ::-1].copy(), steps(75), "420")
    )
    assert not quantised(np.full((1, 8, 8), 128, np.uint8), steps(75), "420").any()


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((2, 8, 8), np.uint8), "give 1 or 3 bands of uint8"),
        (np.zeros((1, 8, 8), np.uint16), "JPEG of uint16"),
        (np.zeros((1, 0, 8), np.uint8), "shape"),
    ],
)
def test_other_pixels_are_refused(pixels: NDArray[np.uint8], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        quantised(pixels, steps(75), "420")


def test_weights_without_their_lengths_and_symbols_without_codes_are_refused() -> None:
    pixels = picture(1, 16, 16)
    with pytest.raises(UsageError, match="lengths of a JPEG: none"):
        quantised(pixels, steps(75), "420", np.ones((2, 2), np.float32))
    with pytest.raises(UsageError, match="weights of a JPEG: float32 of shape"):
        quantised(pixels, steps(75), "420", np.ones((1, 2), np.float32), code_lengths())
    for wrong in (np.inf, np.nan):
        with pytest.raises(UsageError, match="weights of a JPEG that are not finite"):
            quantised(pixels, steps(75), "420", np.full((2, 2), wrong, np.float32), code_lengths())
    found = quantised(pixels, steps(75), "420")
    with pytest.raises(UsageError, match="without a Huffman code"):
        code(found, HuffmanTables.optimal(symbols(np.zeros_like(found))).codes)
    with pytest.raises(UsageError, match="without a Huffman code"):
        code(np.full_like(found, 32767), HuffmanTables.optimal(symbols(found), complete=True).codes)
    beyond = np.zeros((1, 1, 3, 64), np.int16)
    beyond[0, 0, 2, 16] = -32768  # 16 bits after 15 zeros: such a symbol lies beyond the table
    with pytest.raises(UsageError, match="without a Huffman code"):
        code(beyond, np.full((4, 256), 1 << 8 | 2, np.uint32))
    with pytest.raises(UsageError, match="coefficients of int64"):
        symbols(found.astype(np.int64))  # type: ignore[arg-type]
    assert jpeg.mcu_side(1, "420") == 8
    assert jpeg.mcu_side(3, "420") == 16
