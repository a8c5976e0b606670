from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rio_cogeo import cog_validate

from geosal.errors import OutputError, UsageError
from geosal.grid import Grid
from geosal.ladder import Ladder
from geosal.saliency_map import quantise, write_saliency_map
from geosal.sources import open_saliency


def _grid(path: Path) -> Grid:
    with rasterio.open(path) as dataset:
        return Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width)


@pytest.mark.parametrize("sources", [["half"], ["grid"], ["perlin:seed=3"], ["half", "uniform:saliency=0.9"]])
@pytest.mark.parametrize("steps", [4, 8, 10])
def test_the_map_gives_the_levels_of_its_sources(
    sources: list[str], steps: int, rgb_scene: Path, tmp_path: Path
) -> None:
    out = tmp_path / "map.tif"
    write_saliency_map(sources, str(out), str(rgb_scene), block=256, combine="min")
    grid, ladder = _grid(rgb_scene), Ladder(steps)
    of_source = ladder.levels(open_saliency(sources, grid, combine="min").read(grid.whole()))
    of_map = ladder.levels(open_saliency([str(out)], grid).read(grid.whole()))
    assert (of_map == of_source).all()


def test_the_map_is_a_cog_on_the_scenes_grid(rgb_scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.tif"
    outcome = write_saliency_map(["half"], str(out), str(rgb_scene))
    valid, errors, _ = cog_validate(str(out), strict=True, quiet=True)
    assert (valid, errors) == (True, [])
    assert _grid(out) == _grid(rgb_scene)
    with rasterio.open(out) as dataset:
        assert (dataset.count, dataset.dtypes[0], dataset.nodata) == (1, "uint8", None)
        assert dataset.descriptions == ("saliency",)
        tags = dataset.tags()
        assert tags["GEOSAL_SALIENCY_SCALE"].startswith("255 = 1.0")
        assert "half" in tags["GEOSAL_SALIENCY"]
        pixels = dataset.read(1)
    assert (pixels[:, :450] == 255).all()
    assert (pixels[:, 450:] == 0).all()
    assert outcome["bytes"] == out.stat().st_size


def test_blocks_do_not_show(rgb_scene: Path, tmp_path: Path) -> None:
    maps = []
    for block in (64, 512, 2048):
        out = tmp_path / f"{block}.tif"
        write_saliency_map(["perlin"], str(out), str(rgb_scene), block=block)
        with rasterio.open(out) as dataset:
            maps.append(dataset.read(1))
    assert (maps[0] == maps[1]).all()
    assert (maps[0] == maps[2]).all()


def test_progress_is_told(rgb_scene: Path, tmp_path: Path) -> None:
    events = []
    write_saliency_map(["half"], str(tmp_path / "a.tif"), str(rgb_scene), block=512, progress=events.append)
    assert [event.done for event in events if event.stage == "saliency"] == [0, 1, 2, 3, 4]
    assert [event.stage for event in events][-1] == "verify"


@pytest.mark.parametrize(
    ("output", "options", "error"),
    [
        ("a.tif", {"steps": 3}, UsageError),
        ("a.tif", {"profile": "jpeg"}, UsageError),
        ("a.png", {}, UsageError),
        ("missing/a.tif", {}, OutputError),
    ],
)
def test_refusals(
    output: str, options: dict[str, object], error: type[Exception], rgb_scene: Path, tmp_path: Path
) -> None:
    with pytest.raises(error):
        write_saliency_map(["half"], str(tmp_path / output), str(rgb_scene), **options)
    assert list(tmp_path.iterdir()) == []


def test_a_mask_is_not_overwritten_by_its_own_map(rgb_scene: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.tif"
    write_saliency_map(["half"], str(mask), str(rgb_scene))
    before = mask.read_bytes()
    with pytest.raises(OutputError, match="input"):
        write_saliency_map([f"{mask}:range=0-255"], str(mask), str(rgb_scene), overwrite=True)
    assert mask.read_bytes() == before


@given(st.integers(0, 255))
def test_bytes_survive(value: int) -> None:
    assert quantise(np.array([value / 255], np.float32)) == value


@given(st.integers(0, 100), st.integers(1, 32))  # beyond 33 steps float32 itself may miss a cut by over 1e-6
def test_decimals_keep_their_level(percent: int, steps: int) -> None:
    """A saliency of two decimals loses at most one level to the 255ths, never gains sharpness."""
    ladder = Ladder(steps)
    saliency = np.array([percent / 100], np.float32)
    through_map = (quantise(saliency) / np.float32(255)).astype(np.float32)
    gained = int(ladder.levels(through_map)[0]) - int(ladder.levels(saliency)[0])
    assert gained in {0, 1}
    if percent * steps % 100 == 0:  # on a cut of equation 2
        assert gained == 0
