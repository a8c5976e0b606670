"""Pictures for the folders of data sets: made up, and crops of real scenes where a machine has them."""

from typing import NamedTuple

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray


class Crops(NamedTuple):
    rgb: NDArray[np.uint8]
    """Of very high resolution, (3, 64, 64)."""
    counts: NDArray[np.uint16]
    """Of WorldView, (3, 64, 64)."""
    etm: dict[str, NDArray[np.uint8]]
    """Bands of ETM+, (40, 50) each."""
    msi: dict[str, NDArray[np.uint16]]
    """Bands of Sentinel-2's Level-1C, (120, 120) each."""


@pytest.fixture(params=["made up", "real"])
def crops(request) -> Crops:
    if request.param == "real":
        return _real(request.getfixturevalue("shared_data"))
    rng = np.random.default_rng(17)
    return Crops(
        rng.integers(1, 255, (3, 64, 64), dtype=np.uint8),
        rng.integers(200, 2000, (3, 64, 64), dtype=np.uint16),
        {band: rng.integers(1, 255, (40, 50), dtype=np.uint8) for band in ("B1", "B2", "B3")},
        {band: rng.integers(1000, 5000, (120, 120), dtype=np.uint16) for band in ("B02", "B03", "B04")},
    )


def _real(data) -> Crops:
    with rasterio.open(min((data / "airbus_aircraft").glob("*.jpg"))) as picture:
        rgb = picture.read(window=((1000, 1064), (1000, 1064)))
    with rasterio.open(data / "spacenet/ms1.tif") as scene:
        counts = scene.read((1, 2, 3), window=((0, 64), (0, 64))).astype(np.uint16)
    with rasterio.open(data / "landsat7/L7_ETMs.tif") as scene:
        etm = {f"B{band}": scene.read(band, window=((100, 140), (100, 150))) for band in (1, 2, 3)}
    msi = {}
    for band in ("B02", "B03", "B04"):
        path = next((data / "sentinel2_safe").glob(f"*/GRANULE/*/IMG_DATA/*_{band}.jp2"))
        with rasterio.open(path) as scene:
            msi[band] = scene.read(1, window=((100, 220), (100, 220)))
    return Crops(rgb, counts, etm, msi)
