"""Many jobs from Python: one that fails keeps no other back, progress is that of all, and hindrances come first."""

import shutil
from pathlib import Path

import pytest

import geosal
from geosal.batch import whole
from geosal.errors import OutputError, SceneError, UsageError


@pytest.fixture
def scenes(small_scene: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for name in ("a.tif", "b.tif"):
        shutil.copy(small_scene, folder / name)
    (folder / "broken.tif").write_bytes(b"II*\0 no more of it")
    return folder


def test_one_that_fails_keeps_no_other_back(scenes: Path, tmp_path: Path) -> None:
    told: list[geosal.Progress] = []
    inputs = [scenes / "broken.tif", scenes / "*.tif"]
    batch = geosal.compress_many(inputs, tmp_path / "out", saliency="half", progress=told.append)
    assert [Path(one.output).name for one in batch.outcomes] == ["broken.tif", "a.tif", "b.tif"]
    assert [Path(done.output).name for done in batch.summaries] == ["a.tif", "b.tif"]
    (failed,) = batch.failed
    assert isinstance(failed.error, SceneError)
    assert "1 FAILED" in str(batch)
    assert batch.to_dict()["failed"] == 1
    shares = [event.share for event in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert {event.job for event in told} == {2, 3}
    assert all(event.title.startswith(f"job {event.job}/3: ") for event in told)


def test_a_decision_that_fails_fails_its_bands_alone(
    small_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from products import make_landsat_l2

    def fail(*_: object, **__: object) -> None:
        raise OutputError("no room")

    monkeypatch.setattr(whole, "write_saliency_map", fail)
    batch = geosal.compress_many([make_landsat_l2(tmp_path), small_scene], tmp_path / "out", saliency="half")
    assert ([str(one.error) for one in batch.failed], len(batch.summaries)) == (["no room"] * 8, 1)


def test_hindrances_come_before_any_work(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(SceneError, match=r"none.tif, gone.tif: no such file"):
        geosal.compress_many(["none.tif", scenes / "a.tif", "gone.tif"], out, saliency="half")
    with pytest.raises(UsageError, match="output of"):
        geosal.compress_many(
            [scenes / "a.tif", scenes.parent / "scenes" / ".." / "scenes" / "a.tif"], out, saliency="half"
        )
    with pytest.raises(UsageError, match="no input"):
        geosal.compress_many([], out, saliency="half")
    assert not out.exists()
    geosal.compress_many(scenes / "a.tif", out, saliency="half")
    with pytest.raises(OutputError, match="exists already"):
        geosal.compress_many([scenes / "a.tif", scenes / "b.tif"], out, saliency="half")
    assert [path.name for path in out.iterdir()] == ["a.tif"]
