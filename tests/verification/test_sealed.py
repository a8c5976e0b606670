"""Files held against their seals, with no original at hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
import rasterio
import rasterio.shutil
import rioxarray
from rio_cogeo.cogeo import cog_translate
from rio_cogeo.profiles import cog_profiles

import geosal
from geosal.core import provenance
from geosal.errors import SceneError, UsageError

COLUMN = 390
"""First column of the background: `half` is salient to the left of it."""


@pytest.fixture(scope="module")
def sealed(rgb_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("sealed") / "sealed.tif"
    geosal.compress(rgb_scene, output, saliency="half", seal=True)
    return output


@pytest.fixture
def plain(sealed: Path, tmp_path: Path) -> Path:
    """The same as a plain GeoTIFF, which can be changed."""
    return _gdal_translate(sealed, tmp_path / "plain.tif")


def _gdal_translate(path: Path, to: Path, **options: object) -> Path:
    rasterio.shutil.copy(path, to, driver="GTiff", **options)
    return to


def _rio_cogeo(path: Path, to: Path) -> None:
    cog_translate(path, to, cog_profiles.get("zstd"), quiet=True)


def _rioxarray(path: Path, to: Path) -> None:
    with rioxarray.open_rasterio(path) as array:
        array.rio.to_raster(to, compress="lzw")


TOOLS: dict[str, Callable[[Path, Path], object]] = {
    "gdal_translate": _gdal_translate,
    "gdal_translate, big-endian bands": lambda path, to: _gdal_translate(
        path, to, compress="deflate", tiled=True, blockxsize=64, blockysize=48, interleave="band", endianness="BIG"
    ),
    "gdal_translate -of COG": lambda path, to: rasterio.shutil.copy(path, to, driver="COG", compress="lzw"),
    "rio-cogeo": _rio_cogeo,
    "rioxarray": _rioxarray,
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.filterwarnings("ignore")
def test_it_holds_after_a_rewrite_without_loss(sealed: Path, tmp_path: Path, tool: str) -> None:
    rewritten = tmp_path / "rewritten.tif"
    TOOLS[tool](sealed, rewritten)
    checks = geosal.verify(rewritten)
    assert checks.ok, checks
    assert checks.proved
    assert checks.get("sealed").detail.startswith("what matters is unchanged: 4 of 4 tiles")
    assert checks.get("background").ok


def test_a_program_that_drops_tags_needs_the_seal_named(sealed: Path, tmp_path: Path) -> None:
    """As odc-geo does."""
    with rasterio.open(sealed) as dataset:
        profile = {name: dataset.profile[name] for name in ("width", "height", "count", "dtype", "crs", "transform")}
        with rasterio.open(tmp_path / "bare.tif", "w", driver="GTiff", **profile) as bare:
            bare.write(dataset.read())
    checks = geosal.verify(tmp_path / "bare.tif", seal=sealed)
    assert checks.ok, checks
    assert checks.get("sealed").checked
    assert geosal.verify(tmp_path / "bare.tif").get("sealed") is None


@pytest.mark.parametrize(("column", "salient"), [(COLUMN - 1, True), (COLUMN, False)])
def test_one_bit_names_its_tile(plain: Path, column: int, salient: bool) -> None:
    with rasterio.open(plain, "r+") as dataset:
        pixels = dataset.read()
        pixels[1, 515, column] ^= 1
        dataset.write(pixels)
    checks = geosal.verify(plain)
    sealed, background = checks.get("sealed"), checks.get("background")
    assert (sealed.ok, background.ok) == (not salient, salient)
    failed = sealed if salient else background
    assert failed.facts["changed"] == [[0, 512, 512, 8]]
    layout = checks.get("layout")
    assert layout.ok, "it is that of another program, whatever became of the pixels"
    what = "what matters changed" if salient else "the background changed, what matters did not,"
    assert failed.detail == f"{what} in 1 of 4 tiles: (0, 1), rows 512-519, columns 0-511"


def test_a_mask_over_what_matters_is_a_change(plain: Path) -> None:
    with rasterio.open(plain, "r+") as dataset:
        value = int(dataset.read()[:, 300, 100][0])
        dataset.nodata = value
    checks = geosal.verify(plain)
    assert [0, 0, 512, 512] in checks.get("sealed").facts["changed"]
    assert checks.get("background").ok  # its samples are as they were


def test_the_root_can_be_known_from_elsewhere(sealed: Path, rgb_scene: Path, tmp_path: Path) -> None:
    root = rasterio.open(sealed).tags()[provenance.SEAL]
    assert geosal.verify(sealed, root=root).ok
    other = tmp_path / "other.tif"  # sealed anew, with less in it
    geosal.compress(rgb_scene, other, saliency="uniform:saliency=0", seal=True)
    assert geosal.verify(other).ok
    checks = geosal.verify(other, root=root)
    assert checks.get("seal").detail.endswith(f"not {root}")
    assert checks.get("sealed") is None
    assert not geosal.verify(other, seal=sealed).ok
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        geosal.verify(sealed, root="\x1b[2J")


def test_where_the_digests_are_missing_nothing_is_proved(sealed: Path, plain: Path) -> None:
    with rasterio.open(plain, "r+") as dataset:
        dataset.update_tags(**{provenance.SEAL_TILES: ""})
        tags = dataset.tags()
    assert provenance.SEAL in tags
    root = tags[provenance.SEAL]
    for checks in (geosal.verify(plain), geosal.verify(plain, root=root)):
        assert not checks.proved
    assert not geosal.verify(plain, root=root[::-1]).ok
    assert geosal.verify(plain, seal=sealed).ok


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        (provenance.SEAL, "0" * 64),
        (provenance.SEAL, "\x1b[2J"),
        (provenance.SEAL_CLAIM, "[" * 9999),
        (provenance.SEAL_CLAIM, '{"geosal_seal":1,"side":512,"height":1e99}'),
        (provenance.SEAL_TILES, "AAAA " * 400),
        (provenance.TREATMENT, "bound:error=1"),
    ],
)
def test_a_forged_seal_is_refused(plain: Path, tag: str, text: str) -> None:
    with rasterio.open(plain, "r+") as dataset:
        dataset.update_tags(**{tag: text})
    checks = geosal.verify(plain)
    assert not checks.get("seal").ok
    assert "\x1b" not in checks.get("seal").detail
    assert checks.get("sealed") is None


def test_the_seal_of_another_image_is_refused(small_scene: Path, sealed: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    geosal.compress(small_scene, output, saliency="half", seal=True)
    for path, seal in ((output, sealed), (sealed, output)):
        checks = geosal.verify(path, seal=seal)
        assert checks.get("seal").detail.startswith("is of another image: ")
        assert checks.get("sealed") is None


def test_a_seal_beside_is_found_though_the_tags_are_lost(
    rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.job.sealing._MOST_IN_TAGS", 10)
    output = tmp_path / "out.jp2"
    geosal.compress(rgb_scene, output, saliency="half", seal=True)
    assert geosal.verify(output).get("sealed").ok
    sidecar = tmp_path / "out.jp2.aux.xml"
    sidecar.write_text(sidecar.read_text().replace("GEOSAL_", "OTHER_"))
    checks = geosal.verify(output)
    assert checks.get("sealed").ok
    assert checks.ok, checks


def test_without_a_seal_a_wish_for_one_fails(rgb_scene: Path, sealed: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    geosal.compress(rgb_scene, output, saliency="half")
    assert geosal.verify(output).get("seal") is None
    assert not geosal.verify(output, root="0" * 64).ok
    with pytest.raises(SceneError, match="has no seal"):
        geosal.verify(sealed, seal=output)
    with pytest.raises(SceneError, match="cannot be read"):
        geosal.verify(sealed, seal=tmp_path / "nothing.seal")
