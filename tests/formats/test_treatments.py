"""Which treatments and codecs go together, and what each level makes of a tile."""

import re
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.core.treatment import Bound, Quality, Treatment
from geosal.errors import UsageError
from geosal.formats.cog.tiles import TiffEncoder
from geosal.formats.encoders import tile_encoder
from geosal.formats.format import ByGdal
from geosal.formats.profiles import Settled, resolve_treated
from geosal.formats.table import FORMATS

RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def layout_of(count: int = 3, dtype: str = "uint8", *, alpha: bool = False) -> RasterLayout:
    colours = (*RGB, ColorInterp.alpha if alpha else ColorInterp.undefined)[:count]
    metadata = RasterMetadata(bands=tuple(BandMetadata(colorinterp=colour) for colour in colours))
    grid = Grid(None, Affine.identity(), 600, 800)
    return RasterLayout(grid=grid, dtype=dtype, nodata=None, has_mask=False, metadata=metadata)


def resolved(
    output: str, profile: str | None, *texts: str, layout: RasterLayout | None = None, **options: str
) -> Settled:
    return resolve_treated(output, profile, options, layout or layout_of(), Treatment.parse(texts))


def encoder_of(settled: Settled, layout: RasterLayout, steps: int = 8) -> Any:
    return tile_encoder(settled.profile, layout, settled.treatment, steps)


def texture(count: int, side: int, dtype: str = "uint8") -> NDArray[Any]:
    row, col = np.mgrid[:side, :side]
    waves = np.stack([np.sin(row / (3 + band)) + np.cos(col / 5) for band in range(count)])
    noise = np.random.default_rng(3).normal(0, 0.1, waves.shape)
    return np.asarray(((waves + noise) * 40 + 120).astype(dtype))


ADVICE = re.compile(r"(?:a (\.\w+)|use)(?: with)?(?: --profile ([\w-]+(?:(?:, | or )(?!a |or |say)[\w-]+)*))?")
"""In a message: a suffix, profiles, or both."""


@pytest.mark.parametrize(("count", "dtype"), [(3, "uint8"), (1, "uint8"), (1, "uint16"), (5, "uint16")])
@pytest.mark.parametrize("text", ["bound", "quality", "twopass"])
def test_what_a_refusal_says_instead_works(text: str, count: int, dtype: str) -> None:
    layout = layout_of(count, dtype)
    for form in FORMATS:
        for codec in form.codecs:
            if dtype not in codec.dtypes or (codec.counts and count not in codec.counts):
                continue
            own = f"a{form.suffixes[0]}"
            try:
                resolved(own, codec.name, text, layout=layout)
            except UsageError as error:
                mend = str(error).partition("; ")[2]
                files = [(suffix, names or "") for suffix, names in ADVICE.findall(mend)]
                treatments = re.findall(r"--treatment (\w+)", mend)
                assert files or treatments
                for suffix, names in files:
                    for name in re.split(", | or ", names):
                        resolved(f"a{suffix}" if suffix else own, name or None, text, layout=layout)
                for other in treatments:
                    resolved(own, codec.name, other, layout=layout)


@pytest.mark.parametrize(
    ("output", "profile", "text", "message"),
    [
        (
            "a.tif",
            "jpeg",
            "bound:error=4",
            "bound with profile jpeg: the codec makes errors .* --profile deflate",
        ),
        ("a.tif", "webp", "bound:error=4", "bound with profile webp"),
        ("a.jp2", "jp2", "bound:error=4", "bound with profile jp2"),
        ("a.tif", None, "quality", "quality with profile deflate: it has no quality .*; use --profile jpeg or webp"),
        ("a.tif", "lerc", "quality", "quality with profile lerc"),
        ("a.jp2", "htj2k", "quality", "quality with profile htj2k"),
        ("a.zarr", None, "quality", "quality with profile zarr"),
    ],
)
def test_a_treatment_that_a_codec_cannot_do_is_refused(output: str, profile: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolved(output, profile, text)


@pytest.mark.parametrize(
    ("profile", "text", "options", "message"),
    [
        ("jpeg", "quality:high=90", {"QUALITY": "80"}, "QUALITY=80 and treatment quality:high=: they mean the same"),
        ("jp2", "quality", {"QUALITY": "20"}, "QUALITY=20 and treatment quality: one is a rate, the other a PSNR"),
        ("lerc", "bound:error=4", {"MAX_Z_ERROR": "2"}, "MAX_Z_ERROR=2 and treatment bound: they mean the same"),
        ("deflate", "bound:error=400", {}, "for uint8 it is a number from 1 to 127"),
    ],
)
def test_options_that_contradict_a_treatment_are_refused(
    profile: str, text: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        resolved("a.jp2" if profile == "jp2" else "a.tif", profile, text, **options)


@pytest.mark.parametrize(
    ("layout", "text", "message"),
    [
        (layout_of(1, "float32"), "bound:error=0.5", "this is float32; use --profile zstd, .* MAX_Z_ERROR=0.5 for one"),
        (layout_of(1, "float64"), "bound", "this is float64; use --profile zstd, .* MAX_Z_ERROR=X for one"),
        (layout_of(4, alpha=True), "bound:error=3", "this is uint8 with alpha; use --profile zstd"),
    ],
)
def test_a_bound_by_tile_that_lerc_cannot_keep_is_refused_in_plain_words(
    layout: RasterLayout, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        resolved("a.tif", "lerc", text, layout=layout)
    assert resolved("a.tif", "zstd", "bound:error=3", layout=layout).treatment.then == Bound(3)


def test_lossless_webp_tiles_with_alpha_are_refused() -> None:
    layout = layout_of(4, alpha=True)
    with pytest.raises(UsageError, match="lose the colours under alpha 0; say high=99"):
        resolved("a.tif", "webp", "quality:low=50,high=100", layout=layout)
    assert resolved("a.tif", "webp", "quality:low=50,high=99", layout=layout).treatment.then == Quality(50, 99)


def test_what_the_user_leaves_open_is_filled_in() -> None:
    assert resolved("a.tif", "jpeg", "quality", QUALITY="85").treatment.then == Quality(73, 85)
    assert resolved("a.tif", "jpeg", "quality:low=30", QUALITY="20").treatment.then == Quality(20, 20)
    assert resolved("a.jp2", "jp2", "quality").treatment.then == Quality(38, 45)
    assert resolved("a.jp2", "jp2", "quality:high=100").treatment.then == Quality(38, 100)
    assert resolved("a.jp2", "jp2", "quality:high=30").treatment.then == Quality(23, 30)
    assert resolved("a.jp2", "jp2", "quality:low=60").treatment.then == Quality(60, 60)
    wide = layout_of(1, "uint16")
    assert resolved("a.jp2", "jp2", "quality", layout=wide).treatment.then == Quality(62, 69)
    twelve = replace(wide, metadata=replace(wide.metadata, nbits=12))
    assert resolved("a.jp2", "jp2", "quality", layout=twelve).treatment.then == Quality(50, 57)
    assert str(resolved("a.tif", None, "bound").treatment) == "bound:error=4"


def test_tiles_are_small_unless_the_user_says_otherwise() -> None:
    assert dict(resolved("a.tif", "jpeg", "quality").profile.creation_options)["BLOCKSIZE"] == "256"
    assert dict(resolved("a.tif", "webp", "quality").profile.creation_options)["BLOCKSIZE"] == "128"
    assert dict(resolved("a.tif", "jpeg", "quality", BLOCKSIZE="256").profile.creation_options)["BLOCKSIZE"] == "256"
    assert dict(resolved("a.tif", "jpeg", "smooth").profile.creation_options)["BLOCKSIZE"] == "512"
    assert dict(resolved("a.tif", "zstd", "bound").profile.creation_options)["BLOCKSIZE"] == "512"
    found = dict(resolved("a.jp2", "jp2", "quality").profile.creation_options)
    assert (found["BLOCKXSIZE"], found["BLOCKYSIZE"], found["RESOLUTIONS"]) == ("128", "128", "5")
    found = dict(resolved("a.jp2", "jp2", "quality", BLOCKXSIZE="256", BLOCKYSIZE="256").profile.creation_options)
    assert (found["BLOCKXSIZE"], found["RESOLUTIONS"]) == ("256", "6")
    assert dict(resolved("a.jp2", "jp2", "quality", RESOLUTIONS="3").profile.creation_options)["RESOLUTIONS"] == "3"


def test_options_that_only_gdal_knows_are_refused_with_a_treatment_by_tile() -> None:
    settled = resolved("a.tif", "jpeg", "quality", OVERVIEW_RESAMPLING="NEAREST")
    with pytest.raises(UsageError, match="must encode its tiles, and OVERVIEW_RESAMPLING=NEAREST is GDAL's; leave"):
        encoder_of(settled, layout_of())
    assert isinstance(tile_encoder(settled.profile, layout_of()), ByGdal)
    with pytest.raises(UsageError, match="must encode its tiles, and PROGRESSION=RPCL is GDAL's; leave"):
        encoder_of(resolved("a.jp2", "jp2", "quality", PROGRESSION="RPCL"), layout_of())


def with_least(pixels: NDArray[Any], least: int | None, most: int = 8) -> NDArray[np.uint8] | None:
    """Levels of a tile whose most salient pixel is its last; None stays None."""
    if least is None:
        return None
    levels = np.full(pixels.shape[1:], most, np.uint8)
    levels[-1, -1] = least
    return levels


def rms(found: NDArray[Any], pixels: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean((found.astype(float) - pixels) ** 2)))


@pytest.mark.parametrize("profile", ["jpeg", "webp"])
def test_a_tile_has_the_quality_of_its_least_level(profile: str) -> None:
    encoder = encoder_of(resolved("a.tif", profile, "quality:low=20,high=90"), layout_of(), 4)
    assert not isinstance(encoder, ByGdal)
    pixels = texture(3, encoder.tile)
    # In a JPEG of several levels, blocks differ.
    most = range(5) if profile == "jpeg" else [4] * 5
    tiles = [encoder(pixels, None, with_least(pixels, least, most[least]))[0] for least in range(5)]
    if profile == "jpeg":  # one decoder for all, as in a TIFF: its tables must not be mixed up
        assert isinstance(encoder, TiffEncoder)
        decoded = [imagecodecs.jpeg8_decode(tile, tables=encoder.jpeg_tables) for tile in tiles]
    else:
        decoded = [imagecodecs.webp_decode(tile) for tile in tiles]
    errors = [rms(np.moveaxis(tile, -1, 0), pixels) for tile in decoded]
    assert errors == sorted(errors)
    assert errors[0] < 0.7 * errors[-1]
    assert len(tiles[0]) > 1.5 * len(tiles[-1])
    assert encoder(pixels, None)[0] == tiles[-1]


@pytest.mark.parametrize("count", [1, 3])
def test_in_a_jpeg_tile_each_block_has_the_quality_of_its_own_level(count: int) -> None:
    layout = layout_of(count)
    encoder = encoder_of(resolved("a.tif", "jpeg", "quality:low=20,high=90", layout=layout), layout, 4)
    assert isinstance(encoder, TiffEncoder)
    pixels = texture(count, 256)
    levels = np.full((256, 256), 4, np.uint8)
    levels[:, :128] = 0

    def errors(levels: NDArray[np.uint8]) -> tuple[int, float, float]:
        tile = encoder(pixels, None, levels)[0]
        found = imagecodecs.jpeg8_decode(tile, tables=encoder.jpeg_tables).reshape(256, 256, count)
        planes = np.moveaxis(found, -1, 0)
        return len(tile), rms(planes[..., :120], pixels[..., :120]), rms(planes[..., 136:], pixels[..., 136:])

    mixed, fine, coarse = errors(levels), errors(np.zeros_like(levels)), errors(np.full_like(levels, 4))
    assert coarse[0] < mixed[0] < 0.9 * fine[0]  # fine tables cost coarse blocks some bytes
    assert 0.98 * fine[1] < mixed[1] < 1.3 * fine[1] < coarse[1]
    assert 1.1 * fine[2] < mixed[2] < 1.4 * coarse[2]
    cropped = encoder(pixels[:, :100, :70], None, levels[:100, :70])[0]
    assert imagecodecs.jpeg8_decode(cropped, tables=encoder.jpeg_tables).shape[:2] == (256, 256)


def test_webp_is_lossless_at_a_quality_of_100_only() -> None:
    encoder = encoder_of(resolved("a.tif", "webp", "quality:low=50,high=100"), layout_of())
    assert not isinstance(encoder, ByGdal)
    pixels = texture(3, 128)
    for least in range(2):
        tile = encoder(pixels, None, with_least(pixels, least))[0]
        assert (rms(np.moveaxis(imagecodecs.webp_decode(tile), -1, 0), pixels) > 0) == (least > 0)


def test_lerc_keeps_the_bound_of_the_least_level() -> None:
    layout = layout_of(3, "uint16")
    encoder = encoder_of(resolved("a.tif", "lerc", "bound:error=32", layout=layout), layout)
    assert not isinstance(encoder, ByGdal)
    pixels = texture(3, 128, "uint16") * np.uint16(50)
    for least, bound in ((0, 0), (1, 4), (8, 32), (None, 32)):
        found = np.moveaxis(imagecodecs.lerc_decode(encoder(pixels, None, with_least(pixels, least))[0]), -1, 0)
        off = np.abs(found.astype(int) - pixels).max()
        assert bound / 2 < off <= bound or off == bound == 0


def decibels(stream: bytes, pixels: NDArray[Any], bits: int) -> float:
    height, width = pixels.shape[1:]
    found = np.moveaxis(np.atleast_3d(imagecodecs.jpeg2k_decode(stream))[-height:, -width:], -1, 0)
    return float(20 * np.log10((2**bits - 1) / max(rms(found, pixels), 1e-9)))


@pytest.mark.parametrize(
    ("count", "dtype", "nbits"), [(3, "uint8", 8), (1, "uint16", 12), (4, "uint16", 16), (2, "int16", 16)]
)
@pytest.mark.parametrize("shape", [(128, 128), (64, 128), (4, 128), (1, 1)])
def test_a_jpeg_2000_tile_has_the_psnr_of_its_least_level(
    count: int, dtype: str, nbits: int, shape: tuple[int, int]
) -> None:
    """Whatever it holds, at the edge as well; between are steps of as many dB."""
    layout = layout_of(count, dtype)
    layout = replace(layout, metadata=replace(layout.metadata, nbits=nbits))
    low, high = (30, 46) if nbits == 8 else (50, 66)
    encoder = encoder_of(resolved("a.jp2", "jp2", f"quality:low={low},high={high}", layout=layout), layout)
    assert not isinstance(encoder, ByGdal)
    for contrast in (1.0, 0.4):
        pixels = (texture(count, 128, "float64") * contrast * 2 ** (nbits - 9)).astype(dtype)[:, : shape[0], : shape[1]]
        for least in (0, 4, 8):
            found = decibels(encoder(pixels, None, with_least(pixels, least))[0], pixels, nbits)
            wanted = high - (high - low) * least / 8
            if min(shape) >= 64:
                assert wanted - 1.5 < found < wanted + 2.5
            else:  # as good, and often better: such a tile has few pixels to choose from
                assert found > wanted - 1e-9
        assert encoder(pixels, None)[0] == encoder(pixels, None, with_least(pixels, 8))[0]


def test_a_jpeg_2000_tile_of_which_more_is_asked_than_its_wavelet_can_is_lossless() -> None:
    layout = layout_of(3)
    encoder = encoder_of(resolved("a.jp2", "jp2", "quality:low=34,high=100"), layout)
    assert not isinstance(encoder, ByGdal)
    assert encoder.by_level[0] == 100
    assert encoder.by_level[1] == pytest.approx(50.13 - (50.13 - 34) / 8, abs=0.01)
    assert encoder.by_level[8] == 34
    for shape in ((128, 128), (5, 128)):
        pixels = texture(3, 128)[:, : shape[0], : shape[1]]
        streams = [encoder(pixels, None, with_least(pixels, least))[0] for least in (0, 1, 8)]
        assert decibels(streams[0], pixels, 8) > 150
        assert len(streams[0]) > len(streams[1]) > len(streams[2])
    above = encoder_of(resolved("a.jp2", "jp2", "quality:low=40,high=60"), layout)
    assert not isinstance(above, ByGdal)
    assert above.by_level == encoder_of(resolved("a.jp2", "jp2", "quality:low=40,high=100"), layout).by_level
