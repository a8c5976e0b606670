"""What several rooms' tests share: real rasters where the machine has them, and small scenes made at run time."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import settings
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from servers import Files, s3_server, serving

# A busy machine is slow now and then; timings are for benchmarks.
settings.register_profile("geosal", deadline=None)
settings.load_profile("geosal")

HEIGHT, WIDTH = 520, 780
"""Of the scenes: a row of tiles of 512 px and some pixels more, and two tiles in each row."""
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Directory of real scenes beside the checkout; not part of the repository."""
    data = ROOT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip(f"no real scenes on this machine ({data})")
    return data


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Files of tests need not outlive the machine; a job waits for the disk three times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _children_compile_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where Python is told to keep no bytecode, each process that a test starts would compile all of geosal."""
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("PYTHONDONTWRITEBYTECODE"):
            of_all_workers = tmp_path_factory.getbasetemp().parent
            patch.delenv("PYTHONDONTWRITEBYTECODE")
            patch.setenv("PYTHONPYCACHEPREFIX", str(of_all_workers / "bytecode"))
        yield


@pytest.fixture(autouse=True)
def _no_cluster_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that the developer's shell points to is none of the tests' business."""
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)


@pytest.fixture(scope="session")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    with serving(tmp_path_factory.mktemp("served")) as files:
        yield files


@pytest.fixture
def web(_served: Files, tmp_path: Path) -> Files:
    """A folder of its own on a server of files, see `tests.servers`; no fault is planned."""
    folder = _served.folder / tmp_path.name
    folder.mkdir()
    _served.plan()
    return replace(_served, url=f"{_served.url}/{tmp_path.name}", folder=folder)


@pytest.fixture(scope="session")
def _s3() -> Iterator[str]:
    with s3_server("bucket") as url:
        yield url


@pytest.fixture
def s3(_s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A folder of its own in a bucket of a server of S3, ``s3://…``, which the environment leads to."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    told = {"ENDPOINT_URL": _s3, "ACCESS_KEY_ID": "someone", "SECRET_ACCESS_KEY": "CANARY", "REGION": "us-east-1"}
    for name, value in told.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return f"s3://bucket/{tmp_path.name}"


@pytest.fixture(scope="session")
def rgb_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bands of uint8, nodata 0 in an oblique wedge at the upper left, band names, tags and a tag namespace."""
    pixels = np.clip(_texture() * 60 + 120, 1, 255).astype(np.uint8)
    pixels[:, _wedge()] = 0
    return _write(tmp_path_factory.mktemp("rgb") / "rgb.tif", pixels, nodata=0, photometric="RGB")


@pytest.fixture(scope="session")
def uint16_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bands of uint16 reflectance times 10000, nodata 0 in the wedge."""
    pixels = np.clip(_texture() * 900 + 2500, 1, 12000).astype(np.uint16)
    pixels[:, _wedge()] = 0
    return _write(tmp_path_factory.mktemp("uint16") / "uint16.tif", pixels, nodata=0)


@pytest.fixture(scope="session")
def small_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corner of `uint16_scene`, for what does not depend on the size."""
    pixels = np.clip(_texture() * 900 + 2500, 1, 12000).astype(np.uint16)
    pixels[:, _wedge()] = 0
    return _write(tmp_path_factory.mktemp("small") / "small.tif", pixels[:, :160, :240], nodata=0)


@pytest.fixture(scope="session")
def float32_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bands of float32 around 0.25; NaN (the nodata value) in the wedge and in single pixels of one band."""
    pixels = (_texture() * 0.09 + 0.25).astype(np.float32)
    pixels[:, _wedge()] = np.nan
    pixels[1, 311::97, 402::89] = np.nan
    return _write(tmp_path_factory.mktemp("float32") / "float32.tif", pixels, nodata=np.nan)


@pytest.fixture(scope="session")
def rgb_corner(rgb_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lower left quarter of `rgb_scene`, for jobs that encode it many times: 3 x 4 tiles of 128 px."""
    return _corner_of(rgb_scene, tmp_path_factory, nodata=0, photometric="RGB")


@pytest.fixture(scope="session")
def float32_corner(float32_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same quarter of `float32_scene`."""
    return _corner_of(float32_scene, tmp_path_factory, nodata=np.nan)


def _corner_of(scene: Path, folders: pytest.TempPathFactory, **profile: Any) -> Path:
    with rasterio.open(scene) as dataset:
        corner = dataset.read()[:, HEIGHT // 2 :, : WIDTH // 2]
    return _write(folders.mktemp("corner") / scene.name, corner, **profile)


def _texture() -> np.ndarray[Any, np.dtype[np.float64]]:
    """(band, y, x), about -2 to 2: waves of several lengths, straight edges and noise, another in each band."""
    rng = np.random.default_rng(20231113)
    row, col = np.mgrid[:HEIGHT, :WIDTH]
    waves = sum(np.sin(row / length + col / (1.7 * length)) for length in (3.0, 11.0, 47.0)) / 2
    fields = (row // 64 + col // 80) % 3 - 1.0
    return np.stack([waves * weight + fields + rng.normal(0, 0.2, row.shape) for weight in (0.6, 0.8, 1.0)])


def _wedge() -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(y, x), True where the scene holds nothing, as at the edge of a satellite's swath."""
    row, col = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray(col < 0.2 * WIDTH * (1 - row / HEIGHT))


def _write(path: Path, pixels: np.ndarray[Any, Any], **profile: Any) -> Path:
    layout: Mapping[str, Any] = {
        "driver": "GTiff",
        "count": len(pixels),
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "dtype": pixels.dtype,
        "crs": "EPSG:32631",
        "transform": from_origin(399960, 4900020, 10, 10),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **layout, **profile) as dataset:
        dataset.write(pixels)
        dataset.descriptions = ("B04", "B03", "B02")
        dataset.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        dataset.update_tags(AREA_OR_POINT="Area", SCENE="synthetic")
        dataset.update_tags(ns="PROVENANCE", made_by="tests")
        dataset.update_tags(1, wavelength="665 nm")
    return path
