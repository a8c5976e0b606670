"""Traces of a JPEG that Pillow has made, cut anywhere; none in pictures that never were one."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from geosal.formats.jpeg.traces import Traces, tables_of, traces_of


def _picture(size: int = 300, count: int = 3) -> NDArray[np.uint8]:
    """Shapes of several sizes, in colours, with grain."""
    rng, found = np.random.default_rng(3), np.zeros((count, size, size))
    for cells, bands in ((4, count), (16, count), (64, 1), (size, 1)):  # colours change less than brightness
        at = np.arange(size) * cells // size
        found += rng.normal(0, 12, (bands, cells, cells))[:, at][:, :, at]
    return np.clip(110 + found, 1, 254).astype(np.uint8)


def _coded(pixels: NDArray[np.uint8], quality: int, sampling: int) -> NDArray[np.uint8]:
    out = io.BytesIO()
    whole = Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1))
    whole.save(out, "JPEG", quality=quality, subsampling=sampling)
    decoded = np.asarray(Image.open(out))
    return decoded[None] if decoded.ndim == 2 else np.moveaxis(decoded, -1, 0)


@pytest.mark.parametrize("quality", [40, 50, 75, 90, 96])
@pytest.mark.parametrize(
    ("count", "sampling", "cut"), [(3, 2, (5, 11)), (3, 2, (0, 0)), (3, 0, (13, 2)), (1, 0, (3, 7))]
)
def test_grid_quality_and_sampling(quality: int, count: int, sampling: int, cut: tuple[int, int]) -> None:
    side = 16 if sampling == 2 else 8
    pixels = _coded(_picture(count=count), quality, sampling)[:, cut[0] :, cut[1] :]
    right = Traces(
        offset=(-cut[0] % side, -cut[1] % side), quality=quality, subsampling="420" if sampling == 2 else "444"
    )
    assert traces_of([pixels]) == right


def test_pieces_together_tell_what_the_whole_tells() -> None:
    pixels = _coded(_picture(400), 80, 2)[:, 6:, 9:]
    pieces = [pixels[:, row : row + 71, col : col + 71] for row in (0, 112, 256) for col in (16, 160, 320)]
    assert traces_of(pieces) == traces_of([pixels]) == Traces(offset=(10, 7), quality=80, subsampling="420")


def test_pixels_that_were_cut_off_do_not_hide_it() -> None:
    dark = np.clip(_picture().astype(int) * 2 - 180, 0, 255).astype(np.uint8)
    assert (dark == 0).mean() > 0.1
    found = traces_of([_coded(dark, 85, 2)])
    assert found is not None
    assert (found.offset, found.quality) == ((0, 0), 85)


@pytest.mark.parametrize(
    "kind", ["picture", "few values", "enlarged", "noise", "flat", "slope", "halved", "tiny", "other"]
)
def test_no_false_alarm(kind: str) -> None:
    picture = _picture(320)
    halves = _coded(picture, 75, 2).reshape(3, 160, 2, 160, 2).mean(axis=(2, 4)).round().astype(np.uint8)
    rows, cols = np.mgrid[:320, :320]
    out = io.BytesIO()
    Image.fromarray(np.moveaxis(picture, 0, -1)).save(out, "WEBP", quality=50)
    pictures = {
        "picture": picture,
        "few values": picture // 32 * 32,
        "enlarged": picture[:, :40, :40].repeat(8, axis=1).repeat(8, axis=2),
        "noise": np.random.default_rng(0).integers(0, 256, (3, 200, 200), np.uint8),
        "flat": np.full((3, 200, 200), 77, np.uint8),
        "slope": np.stack([rows // 2, cols // 2, (rows + cols) // 4]).astype(np.uint8),
        "halved": halves,
        "tiny": picture[:, :9, :9],
        "other": np.moveaxis(np.asarray(Image.open(out)), -1, 0),
    }
    assert traces_of([pictures[kind]]) is None


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (8, 8), (8, 300), (9, 70), (23, 300)])
def test_small_pieces_tell_what_they_can(shape: tuple[int, int]) -> None:
    pixels = _coded(_picture(320), 60, 2)
    small = pixels[:, 5 : 5 + shape[0], 3 : 3 + shape[1]]
    for pieces in ([small], [small, pixels[:, :135, :135]]):
        found = traces_of(pieces)
        assert found is None or found.quality in {None, 60}


@pytest.mark.parametrize("quality", [1, 33, 50, 75, 100])
def test_tables_are_libjpegs(quality: int) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", quality=quality)
    right = Image.open(out).quantization  # type: ignore[attr-defined]
    np.testing.assert_array_equal(tables_of(quality), [right[0], right[1]])
