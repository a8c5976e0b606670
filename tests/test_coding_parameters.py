"""What our tiles are coded with, by number: neither GDAL's, imagecodecs' nor libjpeg's next version may change it."""

import io
import struct
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import tifffile
from jpylyzer import jpylyzer
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

import geosal

SHAPE = (700, 1301)
GHOST = (
    "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\nBLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
    "KNOWN_INCOMPATIBLE_EDITION=NO\n "
)
MASKED = "MASK_INTERLEAVED_WITH_IMAGERY=YES\n"
LOSSLESS = {
    "cod/order": "LRCP", "cod/layers": "1", "cod/multipleComponentTransformation": "yes", "cod/levels": "5",
    "cod/codeBlockWidth": "64", "cod/codeBlockHeight": "64", "cod/transformation": "5-3 reversible",
    "cod/precincts": "default", "cod/sop": "no", "cod/eph": "no", "cod/codingBypass": "no",
    "qcd/qStyle": "no quantization", "qcd/guardBits": "2", "siz/rsiz": "2", "siz/xTsiz": "1024",
}  # fmt: skip
LOSSY = LOSSLESS | {
    "cod/transformation": "9-7 irreversible", "cod/precincts": "user defined", "qcd/qStyle": "scalar expounded",
}  # fmt: skip
BY_LEVEL = LOSSY | {"cod/order": "RPCL", "cod/levels": "4", "siz/xTsiz": "128"}
HIGH_THROUGHPUT = LOSSLESS | {"cod/order": "RPCL", "qcd/guardBits": "1", "siz/rsiz": "16384"}


@cache
def texture() -> NDArray[np.float64]:
    random = np.random.default_rng(0)
    return np.asarray(gaussian_filter(random.integers(0, 256, (3, *SHAPE)).astype(float), (0, 2, 2)))


def scene(folder: Path, dtype: str, *, mask: bool = False) -> str:
    profile = {"driver": "GTiff", "count": 3, "height": SHAPE[0], "width": SHAPE[1], "dtype": dtype}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            folder / "s.tif", "w", **profile, crs="EPSG:32631", transform=from_origin(5e5, 45e5, 10, 10)
        ) as dataset,
    ):
        dataset.write(np.clip(texture() * 3 - 250, 1, 255).astype(dtype))
        if mask:
            dataset.write_mask(np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE) % 1301 > 40)
    return str(folder / "s.tif")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    ("profile", "treatment", "expected"),
    [
        ("jp2", "smooth", LOSSY), ("jp2", "quality", BY_LEVEL), ("jp2-lossless", "smooth", LOSSLESS),
        ("htj2k", "smooth", HIGH_THROUGHPUT),
    ],
)  # fmt: skip
def test_markers_of_a_jpeg_2000(
    profile: str, treatment: str, expected: dict[str, str], dtype: str, tmp_path: Path
) -> None:
    output = tmp_path / "o.jp2"
    geosal.compress(scene(tmp_path, dtype), str(output), saliency="half", profile=profile, treatment=(treatment,))
    with redirect_stderr(io.StringIO()):
        report = jpylyzer.checkOneFile(str(output))
    codestream = report.find("properties/contiguousCodestreamBox")
    assert codestream is not None
    assert {name: codestream.findtext(name) for name in expected} == expected
    assert [found.text for found in codestream.findall("siz/ssizDepth")] == [str(8 * np.dtype(dtype).itemsize)] * 3


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("profile", ["deflate", "zstd", "lzw", "lzma", "lerc", "jpeg", "webp"])
def test_heads_and_directories_of_a_cog(profile: str, mask: bool, tmp_path: Path) -> None:
    output = tmp_path / "o.tif"
    geosal.compress(
        scene(tmp_path, "uint8", mask=mask), str(output), saliency="half", treatment="smooth", profile=profile
    )
    ghost = GHOST + MASKED * mask
    told = f"GDAL_STRUCTURAL_METADATA_SIZE={len(ghost):06} bytes\n{ghost}".encode()
    assert output.read_bytes()[8 : 8 + len(told)] == told
    sizes = [SHAPE, (350, 651), (175, 326)]  # halves, rounded up
    with tifffile.TiffFile(output) as tiff:
        images = [page.shape[:2] for page in tiff.pages if not page.is_mask]
        masks = [page.shape[:2] for page in tiff.pages if page.is_mask]
        assert (images, masks) == (sizes, sizes * mask)
        assert {page.tile for page in tiff.pages} == {(512, 512)}
        assert {page.predictor for page in tiff.pages if not page.is_mask} == {
            1 + (profile in {"deflate", "zstd", "lzw"})  # differences in LZMA are those of xz
        }


def test_tables_and_sampling_of_jpeg_tiles(tmp_path: Path) -> None:
    """Flat ones: at quality 60 a step of 23.4 * 0.8 ** 0.78 for luma, 0.7 to 0.9 where it is low, 0.85 for chroma."""
    output, quality = tmp_path / "o.tif", 60
    options: dict[str, Any] = {"profile": "jpeg", "creation_options": {"QUALITY": str(quality)}}
    geosal.compress(scene(tmp_path, "uint8"), str(output), saliency="half", treatment=("smooth",), **options)
    with tifffile.TiffFile(output) as tiff:
        tables, page = tiff.pages[0].jpegtables, tiff.pages[0]
        assert page.subsampling == (2, 2)
        with output.open("rb") as file:
            file.seek(page.dataoffsets[0])
            tile = file.read(page.databytecounts[0])
    assert b"\xff\xdb" not in tile[: tile.index(b"\xff\xda")]
    whole = tables[:-2] + tile[2:]
    with Image.open(io.BytesIO(whole)) as ours:
        luma, chroma = (np.array(table) for table in ours.quantization.values())  # type: ignore[attr-defined]
    lowest = 0.3 + 2 * 0.2 + 3 * 0.1  # what six frequencies of luma have less
    assert set(luma) == {13, 15, 17, 19, 20}
    assert luma.mean() == pytest.approx((64 - lowest) / 64 * 23.4 * 0.8**0.78, abs=1 / 32)
    assert (set(chroma), chroma.mean()) == ({16, 17}, pytest.approx(0.85 * 23.4 * 0.8**0.78, abs=1 / 128))
    frame = tile.index(b"\xff\xc0")
    height, width, count = struct.unpack_from(">HHB", tile, frame + 5)
    assert (height, width, count) == (512, 512, 3)
    assert [tile[frame + 11 + 3 * band] for band in range(3)] == [0x22, 0x11, 0x11]


@pytest.mark.parametrize(("tables", "annex_k"), [("annexk", True), (None, False)])
def test_tables_of_a_jpeg(tables: str | None, annex_k: bool, tmp_path: Path) -> None:
    """Flat ones, or on demand those of ITU-T T.81 annex K as libjpeg scales them; two passes have no others."""
    output, quality = tmp_path / "o.jpg", 60
    options = {"QUALITY": str(quality)} | ({} if tables is None else {"TABLES": tables})
    plain = io.BytesIO()
    Image.new("RGB", (16, 16)).save(plain, "JPEG", quality=quality)
    for treatment, as_libjpeg in (("smooth", annex_k), ("twopass", True)):
        geosal.compress(
            scene(tmp_path, "uint8"), str(output), saliency="half", treatment=treatment, creation_options=options,
            overwrite=True,
        )  # fmt: skip
        with Image.open(output) as ours, Image.open(plain) as theirs:
            found, reference = (each.quantization for each in (ours, theirs))  # type: ignore[attr-defined]
        assert (found == reference) == as_libjpeg
        assert as_libjpeg or [set(table) for table in found.values()] == [{13, 15, 17, 19, 20}, {16, 17}]
