"""Rasters with every kind of metadata that GDAL knows, made at run time."""

import base64
import os
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.rpc import RPC

KINDS = ("plain", "point", "mask", "alpha", "gcps", "rpcs", "rotated", "bare", "float", "many_bands", "pam", "large")
SIZE = 700, 600
"""Wide enough for an overview."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Make a directory that holds so many bytes and not one more; needs root."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    with ExitStack() as stack:

        def mount(size: int) -> Path:
            directory = tmp_path / f"disk{size}"
            directory.mkdir()
            options = f"size={max(1, size // 4096) * 4}k"
            done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], check=False)
            if done.returncode != 0:
                pytest.skip("mounting is not allowed here")
            stack.callback(subprocess.run, ["umount", directory], check=True)
            return directory

        yield mount


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of source in turn."""
    return str(request.param)


@pytest.fixture
def source(kind: str, tmp_path: Path) -> Path:
    """A raster of that kind."""
    return make_source(tmp_path / f"{kind}.tif", kind)


def make_source(path: Path, kind: str) -> Path:
    """Write a GeoTIFF that holds all a GeoTIFF can, georeferenced as `kind` says."""
    count = {"many_bands": 7, "alpha": 4, "float": 2}.get(kind, 3)
    dtype = {"alpha": "uint8", "float": "float32", "mask": "uint8"}.get(kind, "uint16")
    options: dict[str, Any] = {
        "driver": "GTiff", "width": SIZE[0], "height": SIZE[1], "count": count, "dtype": dtype, "compress": "zstd",
        "tiled": True, "photometric": "MINISBLACK",
    }  # fmt: skip
    if kind not in {"gcps", "rpcs", "bare"}:
        turn = Affine.rotation(20) if kind == "rotated" else Affine.identity()
        options |= {"crs": "EPSG:32617", "transform": Affine(10, 0, 5e5, 0, -10, 4e6) @ turn}
    if kind not in {"mask", "alpha", "bare"}:
        options["nodata"] = np.nan if kind == "float" else 0
    row, col = np.mgrid[: SIZE[1], : SIZE[0]]
    pixels = np.stack([(row * (band + 3) + col * 7) % 199 + 1 for band in range(count)]).astype(dtype)
    pixels[:, 100:160, 30:90] = options.get("nodata", 0)
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **options) as dataset:
            _describe(dataset, kind)
            dataset.write(pixels)
            if kind == "mask":
                dataset.write_mask(pixels[0] != 0)
    if kind == "pam":
        path.with_name(path.name + ".aux.xml").write_text(
            '<PAMDataset>\n<Metadata domain="json:TEST" format="json">{"a": [1, 2], "b": "x=y"}</Metadata>\n'
            '<Metadata domain="xml:PLAIN" format="xml"><zoo>no equals sign</zoo></Metadata>\n'
            "</PAMDataset>\n"
        )
    return path


def _describe(dataset: rasterio.io.DatasetWriter, kind: str) -> None:
    tags = {"A": "1", "B": 'x=y <&> "q" é', "TIFFTAG_SOFTWARE": "soft", "TIFFTAG_DATETIME": "2020:01:01 00:00:00"}
    if kind == "point":
        tags["AREA_OR_POINT"] = "Point"
    dataset.update_tags(**tags)
    dataset.update_tags(ns="IMAGERY", CLOUDCOVER="5", ACQUISITIONDATETIME="2020-01-01 00:00:00")
    dataset.update_tags(ns="OTHER", K="v <&>", L="two\nlines")
    dataset.update_tags(ns="IMD", **{"GROUP.KEY": '"quoted"'})
    for domain, document in (("xml:XMP", "<x:xmpmeta xmlns:x='adobe:ns:meta/'><a b='1'>é</a></x:xmpmeta>"),
                             ("xml:NOTE", '<note to="all">&lt;hi&gt;</note>')):  # fmt: skip
        key, _, value = document.partition("=")
        dataset.update_tags(ns=domain, **{key: value})
    for band in dataset.indexes:
        dataset.set_band_description(band, f"B{band:02d}")
        dataset.set_band_unit(band, "W/m2")
        dataset.update_tags(band, WAVELENGTH=str(band * 100), STATISTICS_MEAN="3.5", STATISTICS_MINIMUM="1")
        dataset.update_tags(band, ns="BAND_DOMAIN", K=str(band))
    dataset.scales = [0.1 * band for band in dataset.indexes]
    dataset.offsets = [float(band) for band in dataset.indexes]
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    if kind == "alpha":
        dataset.colorinterp = [*colours, ColorInterp.alpha]
        dataset.update_tags(ns="COLOR_PROFILE", SOURCE_ICC_PROFILE=base64.b64encode(_icc_profile()).decode())
    elif dataset.count == len(colours):
        dataset.colorinterp = colours
    if kind == "large":
        dataset.update_tags(ns="OTHER", LONG="0123456789" * 4000)
    if kind == "gcps":
        corners = [(0, 0), (0, SIZE[0]), (SIZE[1], 0), (SIZE[1], SIZE[0])]
        points = [GroundControlPoint(row, col, 10 + col / 100, 50 - row / 100, 5.0) for row, col in corners]
        dataset.gcps = (points, CRS.from_epsg(4326))
    if kind == "rpcs":
        numerators = [0.1 * number for number in range(20)]
        dataset.rpcs = RPC(10, 500, 45, 1, [1.0] + [0.0] * 19, numerators, 150, 150, -80, 1, [1.0] + [0.0] * 19,
                           numerators, 150, 150, 1.0, 0.5)  # fmt: skip


def _icc_profile() -> bytes:
    image_cms = pytest.importorskip("PIL.ImageCms")
    return bytes(image_cms.ImageCmsProfile(image_cms.createProfile("sRGB")).tobytes())
