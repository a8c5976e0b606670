from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rio_cogeo import cog_validate

from geosal.core.grid import Grid
from geosal.core.ladder import Ladder
from geosal.errors import GeosalWarning, OutputError, SceneError, UsageError
from geosal.job.pipeline import compress
from geosal.maps.saliency_map import quantise, to_levels, write_saliency_map
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
    rule = {"combine": "min"} if len(sources) > 1 else {}
    write_saliency_map(sources, str(out), str(rgb_scene), block=256, **rule)
    grid, ladder = _grid(rgb_scene), Ladder(steps)
    of_source = ladder.levels(open_saliency(sources, grid, **rule).read(grid.whole()))
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
    assert (pixels[:, :390] == 255).all()
    assert (pixels[:, 390:] == 0).all()
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
        ("a.tif", {"sigma": "0.25*K"}, UsageError),
        ("a.tif", {"levels": 1}, UsageError),
        ("a.tif", {"levels": 257}, UsageError),
        ("a.tif", {"levels": 2.0}, UsageError),
        ("a.tif", {"palette": "nonsense"}, UsageError),
        ("a.tif", {"palette": "viridis"}, UsageError),
        ("a.tif", {"resampling": "bilinear"}, UsageError),
        ("a.tif", {"profile": "jpeg"}, UsageError),
        ("a.bpg", {}, UsageError),
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


@pytest.mark.parametrize("sources", [["half"], ["perlin:seed=3"], ["uniform:saliency=0.55", "half"]])
@pytest.mark.parametrize("levels", [None, 3, 5])
@pytest.mark.parametrize("steps", [4, 8])
def test_statistics_are_those_of_a_job_with_the_map(
    sources: list[str], levels: int | None, steps: int, rgb_scene: Path, tmp_path: Path
) -> None:
    out = tmp_path / "map.tif"
    rule = {"combine": "mean"} if len(sources) > 1 else {}
    outcome = write_saliency_map(sources, str(out), str(rgb_scene), levels=levels, steps=steps, **rule)
    with rasterio.open(out) as dataset:
        pixels = dataset.read(1)
        assert float(dataset.tags()["GEOSAL_MEAN_SALIENCY"]) == pytest.approx(pixels.mean() / 255, abs=1e-4)
        assert dataset.tags().get("GEOSAL_LEVELS") == (None if levels is None else str(levels))
    assert outcome["mean"] == pytest.approx(pixels.mean() / 255)
    done = compress(str(rgb_scene), str(tmp_path / "out.tif"), saliency=[str(out) + ":range=0-255"], steps=steps)
    assert outcome["kernel_shares"] == pytest.approx(done.kernel_shares_all)
    assert outcome["effective_kernel"] == pytest.approx(done.effective_kernel_all)
    assert (outcome["coverage"], outcome["levels"]) == (1, levels)


@pytest.mark.parametrize(("levels", "values"), [(2, {0, 255}), (3, {0, 127, 255}), (5, {0, 63, 127, 191, 255})])
def test_a_map_has_no_more_levels_than_asked_for(
    levels: int, values: set[int], rgb_scene: Path, tmp_path: Path
) -> None:
    out = tmp_path / "map.tif"
    write_saliency_map(
        ["perlin:seed=3", "half", "uniform:saliency=0"], str(out), str(rgb_scene), levels=levels, combine="mean"
    )
    with rasterio.open(out) as dataset:
        assert set(np.unique(dataset.read(1)).tolist()) <= values


@given(st.integers(2, 33), st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20))
def test_levels_are_the_nearest_and_survive_the_map(levels: int, values: list[float]) -> None:
    saliency, ladder = np.array([values], np.float32), Ladder(levels - 1)
    coarse = to_levels(saliency, levels)
    assert (np.abs(coarse - saliency) <= 0.5 / ladder.steps + 1e-4).all()
    through_map = (quantise(coarse) / np.float32(255)).astype(np.float32)
    np.testing.assert_array_equal(ladder.levels(coarse), np.rint((1 - coarse) * ladder.steps))
    np.testing.assert_array_equal(ladder.levels(through_map), ladder.levels(coarse))


def test_halves_go_up() -> None:
    assert to_levels(np.array([[0, 0.1, 0.3, 0.5, 0.7, 0.9, 1]], np.float32), 6).round(6).tolist() == [
        [0, pytest.approx(0.2), pytest.approx(0.4), pytest.approx(0.6), pytest.approx(0.8), 1, 1]
    ]


@pytest.mark.parametrize("sources", [["uniform:saliency=0.95", "grid"], ["uniform:saliency=0.89", "half"]])
def test_little_to_gain_is_told(sources: list[str], rgb_scene: Path, tmp_path: Path) -> None:
    with pytest.warns(GeosalWarning, match=r"mean saliency 0\.\d\d, 100\.0% of the pixels stay as they are"):
        write_saliency_map(sources, str(tmp_path / "map.tif"), str(rgb_scene))


def test_a_preview_shows_the_map(rgb_scene: Path, tmp_path: Path) -> None:
    """Its levels too: 0.4 came to 0, which is violet and not green."""
    out, picture = tmp_path / "map.tif", tmp_path / "map.png"
    outcome = write_saliency_map(
        ["uniform:saliency=0.4"], str(out), str(rgb_scene), levels=2, preview=str(picture), palette="viridis"
    )
    assert outcome["preview"]["palette"] == "viridis"
    lowest = tmp_path / "lowest.png"
    write_saliency_map(["uniform:saliency=0"], str(out), str(rgb_scene), preview=str(lowest), overwrite=True)
    with rasterio.open(picture) as dataset, rasterio.open(lowest) as other:
        np.testing.assert_array_equal(dataset.read(), other.read())


def test_a_preview_that_cannot_be_is_refused_before_any_work(rgb_scene: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.png"):
        write_saliency_map(["half"], str(tmp_path / "map.tif"), str(rgb_scene), preview=str(tmp_path / "map.jpg"))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over_a_band_that_a_source_names(rgb_scene: Path, tmp_path: Path) -> None:
    quality = tmp_path / "q.tif"
    with rasterio.open(rgb_scene) as source:
        profile = source.profile | {"count": 1, "nodata": None, "photometric": "MINISBLACK"}
    with rasterio.open(quality, "w", **profile) as dataset:
        dataset.write(np.indices(dataset.shape).sum(axis=0).astype(np.uint8)[None] % 5)
    before = quality.read_bytes()
    with pytest.raises(OutputError, match="input"):
        write_saliency_map([f"clouds:from={quality},as=fmask"], str(quality), str(rgb_scene), overwrite=True)
    with pytest.raises(OutputError, match="input"):
        compress(str(rgb_scene), str(quality), saliency=f"clouds:from={quality},as=fmask", overwrite=True)
    assert quality.read_bytes() == before


def test_a_map_stays_where_the_disk_refuses_its_preview(
    small_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: str, *_: object, **__: object) -> None:
        raise OutputError(f"{path}: the disk is full")

    monkeypatch.setattr("geosal.maps.preview.write_png", fail)
    output = tmp_path / "map.tif"
    with pytest.raises(OutputError, match=r"disk is full; the map itself is complete and stays: .*map\.tif"):
        write_saliency_map(["half"], str(output), str(small_scene), preview=str(tmp_path / "map.png"))
    assert output.is_file()


def test_a_preview_that_cannot_be_drawn_leaves_no_map(
    rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SceneError("the overviews are damaged")

    monkeypatch.setattr("geosal.maps.preview.picture_of", fail)
    with pytest.raises(SceneError, match="damaged"):
        write_saliency_map(
            ["half"], str(tmp_path / "map.tif"), str(rgb_scene), preview=str(tmp_path / "map.png"), palette="jet"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("preview", ["map.png", "./map.png"])
def test_a_map_and_its_preview_have_two_names(
    small_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preview: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="is the name of the map as well"):
        write_saliency_map(["half"], "map.png", str(small_scene), preview=preview, overwrite=True)
    assert list(tmp_path.iterdir()) == []


def test_a_map_may_be_a_png(small_scene: Path, tmp_path: Path) -> None:
    write_saliency_map(["half"], str(tmp_path / "map.png"), str(small_scene), preview=str(tmp_path / "view.png"))
    with rasterio.open(tmp_path / "map.png") as found, rasterio.open(small_scene) as scene:
        assert (found.count, found.crs, found.transform) == (1, scene.crs, scene.transform)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.pgw", "map.png", "map.png.aux.xml", "view.png"]


def test_a_world_file_beside_a_preview_is_the_users(small_scene: Path, tmp_path: Path) -> None:
    place = "10\n0\n0\n-10\n5\n5\n"
    for name in ("view.pgw", "view.wld"):
        (tmp_path / name).write_text(place)
    for _ in range(2):
        write_saliency_map(
            ["half"], str(tmp_path / "map.tif"), str(small_scene), preview=str(tmp_path / "view.png"), overwrite=True
        )
    assert [(tmp_path / name).read_text() for name in ("view.pgw", "view.wld")] == [place, place]
