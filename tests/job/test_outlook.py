"""Whether a job gains, why not, and what would: each told command is carried out, and holds what it says."""

import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

import geosal
from geosal.cli.main import geosal as group
from geosal.core import decoded_tiles
from geosal.errors import GeosalWarning, TargetError, UsageError
from geosal.job import outlook as outlook_module
from geosal.job.outlook import Outlook, explained, is_doubtful, look_out
from geosal.job.pipeline import complete
from geosal.job.plan import Plan, make_plan
from geosal.job.recipe import Recipe

Make = Callable[..., Path]


def _write(path: Path, pixels: np.ndarray, **profile: object) -> Path:
    count, height, width = pixels.shape
    transform = rasterio.transform.from_origin(500_000, 5_000_000, 10, 10)
    base = {"driver": "GTiff", "dtype": pixels.dtype, "count": count, "height": height, "width": width}
    with rasterio.open(path, "w", **base | profile, crs="EPSG:32631", transform=transform) as dataset:
        dataset.write(pixels)
    return path


def _photo(size: int = 512, count: int = 3) -> np.ndarray:
    """Smooth shapes with some grain, as a picture has them."""
    rows, cols = np.mgrid[:size, :size] / 30
    noise = np.random.default_rng(1).normal(0, 4, (count, size, size))
    shapes = [100 + 60 * np.sin(rows + band) * np.cos(cols - band) for band in range(count)]
    return np.clip(np.array(shapes) + noise, 0, 255).astype(np.uint8)


def _plan(scene: Path, output: Path, **wish: object) -> Plan:
    return make_plan(Recipe.from_mapping({"input": scene, "output": output, "saliency": "half", **wish}))


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph as a TIFF of JPEG tiles."""
    path = tmp_path_factory.mktemp("jpeg") / "photo.tif"
    return _write(path, _photo(), compress="jpeg", photometric="ycbcr", tiled=True)


def _carry_out(command: str) -> Path:
    words = shlex.split(command)
    result = CliRunner().invoke(group, words[1:], prog_name="geosal")
    assert result.exit_code == 0, result.output
    return Path(words[3])


def test_a_lossy_input_is_larger_without_loss_and_a_command_is_smaller(jpeg: Path, tmp_path: Path) -> None:
    plan = _plan(jpeg, tmp_path / "out.tif")
    assert is_doubtful(plan)
    outlook = look_out(plan)
    assert outlook.is_larger
    assert outlook.cause is not None
    assert outlook.cause.startswith("the input has lost samples already (JPEG)")
    assert outlook.instead is not None
    made = _carry_out(outlook.instead.command)
    assert made.stat().st_size < jpeg.stat().st_size
    assert made.stat().st_size == pytest.approx(outlook.instead.bytes, rel=0.03)


def test_the_command_after_a_job_replaces_its_output(jpeg: Path, tmp_path: Path) -> None:
    summary = geosal.compress(jpeg, tmp_path / "out.tif", saliency="half")
    assert summary.instead is not None
    assert summary.instead["command"].endswith(" --overwrite")
    assert _carry_out(summary.instead["command"]).stat().st_size < jpeg.stat().st_size


def test_the_command_after_a_job_replaces_nothing_where_its_output_has_another_name(jpeg: Path, tmp_path: Path) -> None:
    summary = geosal.compress(jpeg, tmp_path / "out.png", saliency="half")
    assert summary.instead is not None
    assert not summary.instead["output"].endswith(".png")
    assert "--overwrite" not in summary.instead["command"]


def test_smoothing_that_multiplies_values_is_told_as_that(tmp_path: Path) -> None:
    rows, cols = np.mgrid[:512, :512] / 40
    coarse = (np.round(20 * np.sin(rows) * np.cos(cols)) * 100 + 4000).astype(np.uint16)[np.newaxis]
    scene = _write(tmp_path / "coarse.tif", np.repeat(coarse, 2, axis=0), compress="deflate", predictor=2)
    outlook = explained(_plan(scene, tmp_path / "out.tif"), 10**7)
    assert outlook.cause is not None
    assert "it has 41 values only, as a map of classes has, and smoothing gave band 1 " in outlook.cause
    assert outlook.instead is None  # a lossy codec would make classes that there are not
    assert "keep the input as it is" in outlook.advice()


def test_overviews_that_the_input_has_not_are_told(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 3000, (1, 600, 600)).astype(np.uint16)
    scene = _write(tmp_path / "noise.tif", pixels, compress="deflate", predictor=2)
    plan = _plan(scene, tmp_path / "out.tif", treatment="smooth", saliency="uniform:saliency=1")
    outlook = look_out(plan)
    assert outlook.is_larger
    assert outlook.cause is not None
    assert "of it, and the input has none" in outlook.cause
    assert "the saliency keeps 100 % of the pixels as they are" in outlook.cause


@pytest.mark.parametrize("few", [False, True])
def test_after_a_job_few_pieces_are_scaled_by_its_size(
    tmp_path: Path, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces that hold few values may be the sea: more are drawn before a map of classes is told of."""
    pixels = _photo(1600, 1)
    pixels[:, :, 600:1000] = 100  # between the pieces: without the scale, 13 % too much is told
    scene = _write(tmp_path / "photo.tif", pixels // 128 if few else pixels, compress="jpeg", tiled=True)
    drawn, draw = [], outlook_module._drawn
    monkeypatch.setattr(outlook_module, "_drawn", lambda plan, across: drawn.append(across) or draw(plan, across))
    if few:
        plan = _plan(scene, tmp_path / "out.tif", treatment="smooth", saliency="uniform:saliency=1")
        told = explained(plan, 10**7)
        assert told.cause is not None
        assert "as a map of classes has" in told.cause
        assert drawn == [2, 4]
        return
    summary = geosal.compress(scene, tmp_path / "out.tif", saliency="half", treatment="smooth")
    assert summary.instead is not None
    assert drawn == [2]
    assert _carry_out(summary.instead["command"]).stat().st_size == pytest.approx(summary.instead["bytes"], rel=0.08)


def test_what_the_work_has_counted_is_told(jpeg: Path, tmp_path: Path) -> None:
    plan = replace(_plan(jpeg, tmp_path / "out.tif"), counted={1: 0.955, 3: 0.045})
    cause = explained(plan, 10**7).cause
    assert cause is not None
    assert "the saliency keeps 96 % of the pixels as they are" in cause


@pytest.mark.filterwarnings("ignore:.*is or was a JPEG")
def test_a_target_above_the_input_is_its_own_cause(jpeg: Path, tmp_path: Path) -> None:
    plan = _plan(jpeg, tmp_path / "out.tif", profile="jpeg", target_size="1MB")
    outlook = look_out(plan)
    assert (outlook.bytes, outlook.cause) == (1_000_000, "--target-size 1MB is more than the input takes")


def test_what_is_smaller_needs_no_explanation(rgb_scene: Path, tmp_path: Path) -> None:
    plan = _plan(rgb_scene, tmp_path / "out.tif")
    assert not is_doubtful(plan)
    assert look_out(plan).cause is None
    assert explained(plan, 1) == Outlook(input_bytes=rgb_scene.stat().st_size, bytes=1)


@pytest.mark.filterwarnings("ignore:.*is or was a JPEG")
def test_not_larger_leaves_no_file(jpeg: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    with pytest.raises(TargetError, match=r"--not-larger: .+out.tif would take .+ more than the .+: .+JPEG"):
        geosal.compress(jpeg, output, saliency="half", not_larger=True)
    assert list(tmp_path.iterdir()) == []
    output.write_bytes(b"old")
    with pytest.raises(TargetError):
        geosal.compress(jpeg, output, saliency="half", not_larger=True, overwrite=True)
    assert output.read_bytes() == b"old"
    geosal.compress(jpeg, output, saliency="half", profile="jpeg", not_larger=True, overwrite=True,
                    creation_options={"QUALITY": 20})  # fmt: skip
    assert output.stat().st_size < jpeg.stat().st_size


def test_not_larger_needs_a_size(rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "input_bytes", None)
    with pytest.raises(UsageError, match="the size of .+ is not known"):
        _plan(rgb_scene, tmp_path / "out.tif", not_larger=True)


def test_a_large_job_is_warned_of_before_its_work(jpeg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.job.pipeline._MUCH", 0)
    told: list[str] = []
    with pytest.warns(GeosalWarning, match=r"will take about .+ of the input: .+ smaller, on a sample"):
        summary = geosal.compress(
            jpeg, tmp_path / "out.tif", saliency="half", progress=lambda event: told.append(event.stage)
        )
    assert summary.cause is not None
    monkeypatch.setattr("geosal.job.pipeline.carry_out", None)  # is not come to
    with pytest.raises(TargetError, match="would take about"):
        geosal.compress(jpeg, tmp_path / "other.tif", saliency="half", not_larger=True)


@pytest.mark.parametrize("larger", [True, False])
def test_tiles_of_the_sample_are_those_of_the_work(
    tmp_path: Path, larger: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample that explains a larger output is drawn first: no tile of a JPEG 2000 is decoded for it alone."""
    options = {"driver": "JP2OpenJPEG", "blockxsize": 640, "blockysize": 640, "reversible": "YES", "quality": "100"}
    scene = _write(tmp_path / "scene.jp2", _photo(2600, 1), **options)
    decoded, decode = Counter[bytes](), decoded_tiles.decode
    monkeypatch.setattr(decoded_tiles, "decode", lambda stream: decoded.update([stream]) or decode(stream))
    saliency, profile = ("uniform", "raw") if larger else ("uniform:saliency=0", "deflate")
    plan = _plan(scene, tmp_path / "out.tif", saliency=saliency, profile=profile)
    told = complete(plan).summary
    assert (told.cause is not None) is larger
    assert len(decoded) == 25
    assert set(decoded.values()) == {1}
