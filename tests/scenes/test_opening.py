"""What a user names as input, and options that are for the other kind of it."""

import os
from pathlib import Path

import numpy as np
import pytest

import geosal
from geosal.errors import SceneError, UsageError
from geosal.scenes import Reading, Scene, describe, input_root, open_input


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"resolution": 10.0}, "gdalwarp -tr"),
        ({"resampling": "average"}, "gdalwarp -r"),
        ({"bidx": (1,), "bands": ("red",)}, "one of the two"),
        ({"bands": ("pan",)}, "no band pan"),
    ],
)
def test_options_that_a_raster_has_no_use_for(rgb_scene: Path, options: dict[str, object], mend: str) -> None:
    with pytest.raises(UsageError, match=mend):
        open_input(str(rgb_scene), Reading(**options))


@pytest.mark.parametrize("bands", ["rgb,", ("rgb", ""), (" red , green", "B02,"), "red,green,blue"])
def test_names_of_bands_are_taken_apart_in_one_way(rgb_scene: Path, bands: str | tuple[str, ...]) -> None:
    wanted = open_input(str(rgb_scene), Reading(bands=("rgb",)))
    assert open_input(str(rgb_scene), Reading(bands=bands)).indexes == wanted.indexes == (1, 2, 3)
    assert geosal.open_scene(rgb_scene, bands=bands).sizes["band"] == 3


def test_a_band_without_a_name_is_none(uint16_scene: Path) -> None:
    with pytest.raises(UsageError, match="without a name"):
        Scene.open(uint16_scene).having("")


def test_a_raster_is_its_own_root(rgb_scene: Path, tmp_path: Path) -> None:
    assert input_root(str(rgb_scene)) == str(rgb_scene)
    assert input_root("https://host/a.tif") == "https://host/a.tif"
    assert input_root(str(tmp_path)) == str(tmp_path)
    product = tmp_path / "LC09_L2SP_008059_20221201_20221225_02_T1_MTL.txt"
    product.write_text("x")
    assert input_root(str(product)) == str(tmp_path)
    assert np.size(input_root("half")) == 1


def test_an_item_on_a_server_is_to_be_copied_first() -> None:
    for url in ("s3://bucket/item.json", "https://example.org/items/x.json?sig=1"):
        with pytest.raises(SceneError, match=r"copy it \(curl -O\), and give the copy"):
            open_input(url)


@pytest.mark.parametrize("name", ["LC09_x.tar.gz", "a.TGZ"])
def test_compressed_archives_are_told_by_what_they_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="is a compressed archive, .*; unpack it first"):
        open_input(str(tmp_path / name))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_scene_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    for look in (open_input, describe):
        with pytest.raises(SceneError, match=r"pipe\.tif: it is a pipe or a device; name a file"):
            look(str(tmp_path / "pipe.tif"))
