"""Every refusal comes before a pixel moves, and names what is allowed."""

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from rasterio.enums import ColorInterp

from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import UsageError
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import PROFILES, format_with


def layout(
    dtype: str = "uint8",
    count: int = 3,
    *,
    shape: tuple[int, int] = (3000, 4000),
    nodata: float | None = None,
    alpha: bool = False,
    nbits: int | None = None,
) -> RasterLayout:
    colours = [ColorInterp.undefined] * count
    if alpha:
        colours[-1] = ColorInterp.alpha
    bands = tuple(BandMetadata(colorinterp=colour) for colour in colours)
    return RasterLayout(
        grid=Grid(None, Affine.identity(), *shape),
        dtype=dtype,
        nodata=nodata,
        has_mask=False,
        metadata=RasterMetadata(bands=bands, nbits=nbits),
    )


def test_the_suffix_picks_the_driver() -> None:
    for output, driver, name in (
        ("a.tif", "COG", "deflate"),
        ("a.TIFF", "COG", "deflate"),
        ("dir.jp2/a.tif", "COG", "deflate"),
        ("a.jp2", "JP2OpenJPEG", "jp2-lossless"),
    ):
        profile = resolve_profile(output, None, {}, layout())
        assert (profile.driver, profile.name, profile.lossless) == (driver, name, True)


@pytest.mark.parametrize("output", ["a.gif", "a.heic", "a", "a.jxl", ".tif"])
def test_other_suffixes_are_not_written(output: str) -> None:
    with pytest.raises(
        UsageError, match=r"not written by this version; use \.tif, \.jp2, \.zarr, \.jpg, \.png or \.bpg"
    ):
        resolve_profile(output, None, {}, layout())


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_resolves(name: str) -> None:
    codec = PROFILES[name]
    form = format_with(codec)
    profile = resolve_profile(f"a{form.suffixes[0]}", name, {}, layout())
    options = dict(profile.creation_options)
    assert profile.lossless == codec.lossless
    if form.driver == "COG":
        assert options["BLOCKSIZE"] == "512"
        assert options["OVERVIEW_RESAMPLING"] == "AVERAGE"
    elif form.driver == "JP2OpenJPEG":
        assert options["BLOCKXSIZE"] == options["BLOCKYSIZE"] == "1024"
        assert "WRITE_METADATA" not in options


@pytest.mark.parametrize(
    ("output", "name", "message"),
    [
        ("a.tif", "deflat", "did you mean deflate"),
        ("a.tif", "jp2", "ends in .jp2"),
        ("a.jp2", "zstd", "ends in .tif"),
        ("a.jp2", "nonsense", "jp2-lossless, jp2"),
    ],
)
def test_a_profile_that_does_not_fit_the_output(output: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_profile(output, name, {}, layout())


@pytest.mark.parametrize(
    ("output", "name", "found", "message"),
    [
        ("a.tif", "jpeg", layout("uint16"), "cannot hold uint16, only uint8; use --profile deflate"),
        ("a.tif", "jpeg", layout(count=2), "cannot hold 2 bands, only 1, 3 or 4"),
        ("a.tif", "jpeg", layout(count=4), "a fourth band must be alpha"),
        ("a.tif", "webp", layout(count=1), "cannot hold 1 band, only 3 or 4"),
        ("a.tif", "webp", layout("float32"), "cannot hold float32"),
        ("a.tif", "lerc", layout("float32"), "loses NaN"),
        ("a.jp2", None, layout("float32"), "cannot hold float32, only uint8, uint16, int16; write a .tif"),
        ("a.jp2", "jp2", layout("uint32"), "cannot hold uint32"),
        ("a.jp2", None, layout("int32"), "cannot hold int32"),
    ],
)
def test_trial_24_what_a_codec_cannot_hold(output: str, name: str | None, found: RasterLayout, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_profile(output, name, {}, found)


def test_what_codecs_can_hold_besides_rgb() -> None:
    assert resolve_profile("a.tif", "jpeg", {}, layout(count=4, alpha=True)).name == "jpeg"
    assert resolve_profile("a.tif", "webp", {}, layout(count=4, alpha=True)).name == "webp"
    assert resolve_profile("a.tif", "webp", {"QUALITY": "100"}, layout(count=4)).lossless
    assert resolve_profile("a.tif", "lerc", {}, layout("float32", count=1)).lossless
    assert resolve_profile("a.tif", "zstd", {}, layout("float64", count=300)).lossless


def test_creation_options_go_over_the_profile_in_any_case() -> None:
    profile = resolve_profile("a.tif", "zstd", {"level": "1", "BLOCKSIZE": "256", "compress": "zstd"}, layout())
    options = dict(profile.creation_options)
    assert (options["LEVEL"], options["BLOCKSIZE"], options["COMPRESS"]) == ("1", "256", "ZSTD")


@pytest.mark.parametrize(
    ("output", "name", "options", "message"),
    [
        ("a.tif", None, {"LEVLE": "9"}, "did you mean LEVEL"),
        ("a.tif", None, {"BLOCKXSIZE": "256"}, "geosal sets no such option of COG; .*: geosal profiles deflate"),
        ("a.tif", None, {"COMPRESS": "ZSTD"}, "use --profile"),
        ("a.tif", None, {"TARGET_SRS": "EPSG:3857"}, "gdalwarp"),
        ("a.tif", None, {"ADD_ALPHA": "YES"}, "geosal warps nothing"),
        (
            "a.jpg",
            None,
            {"PROGRESSIVE": "ON"},
            "no such option of JPEG; it takes QUALITY, .*: geosal profiles jpg",
        ),
        ("a.tif", None, {"COPY_SRC_MDD": "NO"}, "geosal carries all metadata"),
        ("a.tif", None, {"SPARSE_OK": "YES"}, "leave it out"),
        ("a.tif", None, {"OVERVIEWS": "NONE"}, "a COG has overviews"),
        ("a.tif", None, {"LEVEL": "0"}, "from 1 to 12"),
        ("a.tif", None, {"LEVEL": "high"}, "from 1 to 12"),
        ("a.tif", None, {"LEVEL": "22"}, "from 1 to 12"),
        ("a.tif", "zstd", {"LEVEL": "23"}, "from 1 to 22"),
        ("a.tif", "lzma", {"LEVEL": "10"}, "from 1 to 9"),
        ("a.tif", "jxl", {"LEVEL": "10"}, "from 1 to 9"),
        ("a.tif", "jxl", {"PREDICTOR": "YES"}, "no such setting"),
        ("a.tif", "lerc", {"MAX_Z_ERROR": "inf"}, "a number of 0 or more"),
        ("a.tif", "lerc", {"MAX_Z_ERROR_OVERVIEW": "inf"}, "a number of 0 or more"),
        ("a.jp2", None, {"WRITE_METADATA": "YES"}, "validators refuse"),
        ("a.jp2", None, {"REVERSIBLE": "NO"}, "use --profile jp2"),
        ("a.jp2", None, {"QUALITY": "50"}, "use --profile jp2 for less"),
        ("a.jp2", "jp2", {"QUALITY": "20,101"}, "from 0.001 to 100"),
        ("a.jp2", None, {"NBITS": "4"}, "the scene's own"),
    ],
)
def test_options_that_cannot_work(output: str, name: str | None, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_profile(output, name, options, layout())


@pytest.mark.parametrize(
    ("name", "options", "lossless"),
    [
        ("webp", {"QUALITY": "100"}, True),
        ("webp", {"QUALITY": "99"}, False),
        ("lerc", {"MAX_Z_ERROR": "0.5"}, False),
        ("lerc", {}, True),
        ("jpeg", {"QUALITY": "100"}, False),
    ],
)
def test_options_decide_whether_samples_are_kept(name: str, options: dict[str, str], lossless: bool) -> None:
    assert resolve_profile("a.tif", name, options, layout()).lossless == lossless


@pytest.mark.parametrize(
    ("shape", "resolutions"),
    [((10980, 10980), 6), ((512, 512), 6), ((513, 200), 5), ((1, 1), 1), ((3, 5000), 2), ((100_000, 100_000), 9)],
)
def test_the_coarsest_jpeg2000_resolution_is_a_thumbnail(shape: tuple[int, int], resolutions: int) -> None:
    options = dict(resolve_profile("a.jp2", None, {}, layout(shape=shape)).creation_options)
    assert int(options["RESOLUTIONS"]) == resolutions


def test_precision_is_carried_into_a_jpeg2000_only() -> None:
    """Packed samples in a TIFF would forbid the predictor, and few programs read them."""
    found = layout("uint16", nbits=12)
    assert dict(resolve_profile("a.jp2", None, {}, found).creation_options)["NBITS"] == "12"
    assert "NBITS" not in dict(resolve_profile("a.tif", None, {}, found).creation_options)


@pytest.mark.parametrize(
    ("name", "found", "needs"),
    [
        ("jpeg", layout(nodata=0), True),
        ("jpeg", layout(), False),
        ("jpeg", layout(count=4, alpha=True, nodata=0), True),
        ("jpeg", layout(count=4, alpha=True), False),
        ("webp", layout(nodata=255), True),
        ("deflate", layout(nodata=0), False),
        ("deflate", layout("float32", nodata=np.nan), False),
    ],
)
def test_a_lossy_codec_needs_a_mask_for_nodata(name: str, found: RasterLayout, needs: bool) -> None:
    assert resolve_profile("a.tif", name, {}, found).needs_mask(found) == needs


@pytest.mark.parametrize("name", ["jp2", "jp2-lossless", "htj2k"])
def test_a_jpeg2000_without_a_thumbnail_is_refused(name: str) -> None:
    large = layout(shape=(3000, 4000))
    with pytest.raises(UsageError, match="RESOLUTIONS=2: leaves a JPEG2000 of 4000 x 3000 px without a thumbnail"):
        resolve_profile("a.jp2", name, {"RESOLUTIONS": "2"}, large)
    assert resolve_profile("a.jp2", name, {"RESOLUTIONS": "4"}, large).name == name
    assert resolve_profile("a.jp2", name, {"RESOLUTIONS": "1"}, layout(shape=(512, 300))).name == name


def test_htj2k_takes_few_options() -> None:
    assert resolve_profile("a.jp2", "htj2k", {"RESOLUTIONS": "4"}, layout()).lossless
    with pytest.raises(UsageError, match="HTJ2K tiles take BLOCKXSIZE"):
        resolve_profile("a.jp2", "htj2k", {"SOP": "YES"}, layout())


@pytest.mark.parametrize(
    ("output", "level"), [("a.zarr", "2.5"), ("a.zarr", "fast"), ("a.zarr", "10"), ("a.tif", "6.5")]
)
def test_a_level_is_a_whole_number(output: str, level: str) -> None:
    with pytest.raises(UsageError, match="number from 1 to"):
        resolve_profile(output, None, {"LEVEL": level}, layout())


@pytest.mark.parametrize(("side", "fits"), [(55_000, True), (60_000, False), (70_000, False)])
def test_raw_tiles_that_outgrow_a_classic_tiff_are_refused(side: int, fits: bool) -> None:
    """60 000 x 60 000 bytes are fewer than 2^32; with overviews they are more."""
    size = layout(count=1, shape=(side, side))
    resolve_profile("a.tif", "raw", {"BIGTIFF": "IF_SAFER"}, size)
    resolve_profile("a.tif", "zstd", {"BIGTIFF": "NO"}, size)
    if fits:
        resolve_profile("a.tif", "raw", {"BIGTIFF": "no"}, size)
    else:
        with pytest.raises(UsageError, match="BIGTIFF=NO: the tiles take .* leave it out"):
            resolve_profile("a.tif", "raw", {"BIGTIFF": "no"}, size)


@pytest.mark.parametrize(("output", "name"), [("a.tif", "jpeg"), ("a.jpg", "jpg")])
def test_alpha_alone_cannot_be_left_out(output: str, name: str) -> None:
    with pytest.raises(UsageError, match="the only band is alpha.* choose others with --bidx"):
        resolve_profile(output, name, {}, layout(count=1, alpha=True))


@pytest.mark.parametrize("scaling", [{"scale": float("nan")}, {"offset": float("inf")}])
def test_a_scale_that_is_no_number_does_not_go_into_zarr(scaling: dict[str, float]) -> None:
    found = replace(layout(count=1), metadata=RasterMetadata(bands=(BandMetadata(**scaling),)))
    with pytest.raises(UsageError, match="cannot hold a scale or an offset that is NaN or infinite"):
        resolve_profile("a.zarr", None, {}, found)
    assert resolve_profile("a.tif", None, {}, found).name == "deflate"
