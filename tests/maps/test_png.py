from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geosal.errors import OutputError, UsageError
from geosal.maps.png import check_png, write_png


def test_a_picture_is_written_whole(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    path = tmp_path / "p.png"
    write_png(str(path), image, overwrite=False)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), image)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.png"]
    with pytest.raises(OutputError, match="--overwrite"):
        write_png(str(path), image, overwrite=False)


def test_the_word_for_it_is_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"picture .*a\.tif: pictures are PNG files"):
        check_png(str(tmp_path / "a.tif"), "picture", overwrite=False)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("libpng: No IDATs written into file")

    monkeypatch.setattr("geosal.maps.png.rasterio.open", fail)
    with pytest.raises(OutputError, match=r"p\.png: cannot be written in .* are free there, make room"):
        write_png(str(tmp_path / "p.png"), np.zeros((4, 4, 3), np.uint8), overwrite=False)
