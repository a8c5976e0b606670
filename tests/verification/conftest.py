"""The scene that files are held against."""

from pathlib import Path

import numpy as np
import pytest
from outputs import SHAPE, write_source


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bands of uint16 with nodata, names, tags in two domains, and a mask-like wedge."""
    row, col = np.mgrid[: SHAPE[0], : SHAPE[1]]
    pixels = np.stack([(row * 3 + col * (band + 5)) % 900 + 1 for band in range(3)]).astype("uint16")
    pixels[:, col[0] < 40 + 0 * row[:, :1]] = 0
    return write_source(tmp_path_factory.mktemp("source") / "in.tif", pixels, nodata=0)
