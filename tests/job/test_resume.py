"""What a job takes over from one that was begun before."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasters import PLACE, save

import geosal
from geosal.errors import OutputError, UsageError
from geosal.files.journal import Growing, Journal, Record, _line, _records
from geosal.formats.sink import _KeptSink
from geosal.formats.zarr.tiles import ZarrEncoder
from geosal.job.recipe import Recipe
from geosal.job.resume import is_done
from geosal.job.search.rates import RateSearch


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small scene, and a mask beside it."""
    folder = tmp_path_factory.mktemp("resume")
    mask = np.zeros((1, 64, 80), np.uint8)
    mask[:, :30] = 255
    save(folder / "mask.tif", mask, **PLACE)
    pixels = np.random.default_rng(4).integers(1, 200, (1, 64, 80)).astype(np.uint8)
    return save(folder / "scene.tif", pixels, **PLACE)


@pytest.mark.parametrize("suffix", ["tif", "jp2", "zarr", "jpg"])
def test_a_finished_output_counts_as_done_until_something_changes(scene: Path, tmp_path: Path, suffix: str) -> None:
    mask = tmp_path / "mask.tif"
    mask.write_bytes((scene.parent / "mask.tif").read_bytes())
    copy = tmp_path / "scene.tif"
    copy.write_bytes(scene.read_bytes())
    wish: dict[str, Any] = {"input": copy, "output": tmp_path / f"out.{suffix}", "saliency": mask}

    def done(**more: Any) -> bool:
        return is_done(Recipe.from_mapping(wish | more))

    assert not done()
    geosal.compress(**wish)
    assert done()
    assert done(overwrite=True, workers=1, max_memory="2GB")  # which change no byte
    assert not done(steps=4)
    os.utime(copy, (2**31, 2**31))
    assert not done()
    os.utime(copy, (1, 1))
    assert done()
    save(mask, np.eye(64, 80, dtype=np.uint8)[None] * np.uint8(255), **PLACE)
    assert not done()


def test_what_a_search_has_found_is_no_part_of_the_question(scene: Path, tmp_path: Path) -> None:
    wish: dict[str, Any] = {"input": scene, "output": tmp_path / "out.jpg", "saliency": "half", "target_jpeg": 50}
    geosal.compress(**wish)
    assert is_done(Recipe.from_mapping(wish))
    assert not is_done(Recipe.from_mapping(wish | {"target_jpeg": 60}))


def test_what_belongs_beside_an_output_has_to_be_there_and_right(scene: Path, tmp_path: Path) -> None:
    wish: dict[str, Any] = {
        "input": scene,
        "output": tmp_path / "out.tif",
        "saliency": "half",
        "datetime": "2020-01-01",
    }
    wish |= {"stac": True, "seal": True}

    def done(**more: Any) -> bool:
        return is_done(Recipe.from_mapping(wish | more))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geosal.job.sealing._MOST_IN_TAGS", 0)
        geosal.compress(**wish)
    assert done()
    assert not done(datetime="2021-01-01")
    assert not done(seal=False)
    for suffix in (".seal", ".stac.json"):
        sidecar = tmp_path / f"out.tif{suffix}"
        content = sidecar.read_bytes()
        sidecar.unlink()
        assert not done()
        sidecar.write_bytes(content)
    assert done()
    (tmp_path / "out.tif.stac.json").write_text("[]")
    assert not done()


def test_another_file_of_that_name_is_not_done(scene: Path, tmp_path: Path) -> None:
    wish = {"input": scene, "output": tmp_path / "out.tif", "saliency": "half", "overwrite": True}
    (tmp_path / "out.tif").write_bytes(scene.read_bytes())
    assert not is_done(Recipe.from_mapping(wish))
    (tmp_path / "out.tif").write_bytes(b"no raster")
    assert not is_done(Recipe.from_mapping(wish))


JOBS: dict[str, dict[str, Any]] = {
    "out.tif": {"treatment": ["smooth", "bound:error=16"], "profile": "zstd"},
    "jpeg.tif": {"profile": "jpeg", "creation_options": {"QUALITY": 70, "BLOCKSIZE": 128}},
    "out.jp2": {"profile": "jp2", "creation_options": {"QUALITY": 30, "BLOCKXSIZE": 256, "BLOCKYSIZE": 256}},
    "out.zarr": {"treatment": "bound:error=16"},
    "shards.zarr": {"creation_options": {"SHARDS": 2}},
    "out.jpg": {"creation_options": {"QUALITY": 80}},
}
if find_spec("av") is not None:
    JOBS["out.bpg"] = {"creation_options": {"PRESET": "ultrafast"}}
"""Options by output: what keeps a mask beside the image, or pieces of tiles, among them."""
BLOCKS = 12


def job(scene: Path, output: Path, **more: Any) -> geosal.Summary:
    """Make an output of one worker, whose blocks come in the same order each time, and cut tiles of overviews."""
    wish = {"saliency": "grid", "block": 256, "workers": 1, "to_byte": None, "overwrite": True, **JOBS[output.name]}
    if output.suffix in {".jpg", ".bpg"} or wish.get("profile") == "jpeg":
        wish["to_byte"] = "range:0-9000"
    return geosal.compress(scene, output, **wish | more)


def content(output: Path) -> dict[str, bytes]:
    """All files of an output, by name."""
    paths = [path for path in output.parent.rglob("*") if path.is_file() and path.name != "scene.tif"]
    return {str(path.relative_to(output.parent)): path.read_bytes() for path in paths}


@contextmanager
def seen_after(block: int, place: Path) -> Iterator[None]:
    """Copy the work directory as it stands after a block of a job: what a kill would leave."""
    note, count = _KeptSink.note, 0

    def noted(sink: _KeptSink, record: Record) -> None:
        nonlocal count
        note(sink, record)
        count += 1
        if count == block:
            folder = Path(sink._journal._path).parent
            shutil.copytree(folder, place / folder.name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_KeptSink, "note", noted)
        yield


@pytest.fixture(autouse=True, scope="module")
def _small_chunks() -> Iterator[None]:
    """Let a store have several chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ZarrEncoder.__init__.__kwdefaults__, "tile", 128)
        yield


@pytest.fixture(scope="module")
def killed(uint16_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, bytes]]]:
    """Of each job: a folder in which it was killed after 7 blocks, and the files of one that was not killed."""
    found = {}
    for name in JOBS:
        whole, left = (tmp_path_factory.mktemp(name) for _ in range(2))
        with seen_after(7, left):
            summary = job(uint16_scene, whole / name)
        assert (summary.blocks, summary.resumed_blocks) == (BLOCKS, 0)
        found[name] = left, content(whole / name)
    return found


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("torn", [False, True])
def test_trial_4_a_killed_job_is_gone_on_with_and_makes_the_same_bytes(
    killed: dict[str, tuple[Path, dict[str, bytes]]], uint16_scene: Path, tmp_path: Path, name: str, torn: bool
) -> None:
    left, whole = killed[name]
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    (work,) = tmp_path.iterdir()
    if torn:  # as after a power cut: a line, and bytes that were claimed
        with (work / "journal.jsonl").open("r+b") as journal:
            journal.truncate((work / "journal.jsonl").stat().st_size - 9)
        chunks = [path for path in work.rglob("*") if path.is_file() and path.name not in {"journal.jsonl", "lock"}]
        largest = max(chunks, key=lambda path: path.stat().st_size)
        largest.write_bytes(largest.read_bytes()[: largest.stat().st_size * 2 // 3])
    summary = job(uint16_scene, tmp_path / name, resume=True, workers=2)
    assert content(tmp_path / name) == whole
    assert summary.blocks == BLOCKS
    if torn:
        assert 0 < summary.resumed_blocks < 6
    else:
        assert summary.resumed_blocks == 7


def test_trial_5_another_job_is_refused_by_name_and_nothing_is_touched(
    killed: dict[str, tuple[Path, dict[str, bytes]]], uint16_scene: Path, tmp_path: Path
) -> None:
    shutil.copytree(killed["out.tif"][0], tmp_path, dirs_exist_ok=True)
    copy = tmp_path / "scene.tif"
    shutil.copy2(uint16_scene, copy)
    os.utime(copy, (10**9, 10**9))
    (tmp_path / "out.tif").write_bytes(b"old")
    before = content(tmp_path / "out.tif"), {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for more, told in (
        ({"steps": 4}, "steps is 4, and was 8"),
        ({"saliency": "half"}, "saliency is half, and was grid"),
        ({"block": 512}, "block is 512, and was 256"),
        ({"profile": "deflate"}, "profile is deflate, and was zstd"),
    ):
        with pytest.raises(UsageError, match=f"7 blocks in .*, of another job: {told}"):
            job(uint16_scene, tmp_path / "out.tif", resume=True, **more)
    with pytest.raises(UsageError, match=r"scene.tif is \d+ bytes of 2001-09-09"):
        job(copy, tmp_path / "out.tif", resume=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geosal.job.resume.digest_of_code", lambda: "other code")
        with pytest.raises(UsageError, match="geosal's code is other code, and was "):
            job(uint16_scene, tmp_path / "out.tif", resume=True)
    assert (content(tmp_path / "out.tif"), {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}) == before


def test_a_directory_that_others_can_write_to_is_not_trusted(
    killed: dict[str, tuple[Path, dict[str, bytes]]], uint16_scene: Path, tmp_path: Path
) -> None:
    left, whole = killed["out.tif"]
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    (work,) = tmp_path.iterdir()
    work.chmod(0o770)
    assert job(uint16_scene, tmp_path / "out.tif", resume=True).resumed_blocks == 0
    assert content(tmp_path / "out.tif") == whole


def _doubled(lines: list[Record]) -> None:
    lines.append(lines[-1])


def _of_other_types(lines: list[Record]) -> None:
    lines[-1]["facts"] = None


def _with_larger_pieces(lines: list[Record]) -> None:
    pieces = next(line["pieces"]["pieces"] for line in lines if line.get("pieces", {}).get("pieces"))
    pieces[-1][3] *= 100


@pytest.mark.parametrize("change", [_doubled, _of_other_types, _with_larger_pieces])
def test_a_journal_that_somebody_has_changed_is_refused_and_deleted(
    killed: dict[str, tuple[Path, dict[str, bytes]]], uint16_scene: Path, tmp_path: Path, change: Any
) -> None:
    shutil.copytree(killed["out.tif"][0], tmp_path, dirs_exist_ok=True)
    (work,) = tmp_path.iterdir()
    journal = work / "journal.jsonl"
    lines = list(_records(journal.read_bytes()))
    change(lines)
    journal.write_bytes(b"".join(map(_line, lines)))
    with pytest.raises(UsageError, match="its journal was changed"):
        job(uint16_scene, tmp_path / "out.tif", resume=True)
    assert not list(tmp_path.iterdir())


def test_no_pipe_is_waited_for_and_no_link_followed(
    killed: dict[str, tuple[Path, dict[str, bytes]]], uint16_scene: Path, tmp_path: Path
) -> None:
    left, whole = killed["out.tif"]
    for name, link in (("journal.jsonl", None), ("swap.json", None), ("journal.jsonl", Path("/dev/zero"))):
        work = tmp_path / f".out.tif.geosal-1-{name}{link is None}"
        work.mkdir(mode=0o700)
        if link is None:
            os.mkfifo(work / name)
        else:
            (work / name).symlink_to(link)
    (tmp_path / ".out.tif.geosal-1-link").symlink_to(left)
    assert job(uint16_scene, tmp_path / "out.tif", resume=True).resumed_blocks == 0
    assert content(tmp_path / "out.tif") == whole
    assert (tmp_path / ".out.tif.geosal-1-link").is_symlink()
    assert left.exists()


def test_what_a_job_left_that_was_killed_after_publishing_goes_with_the_next(
    killed: dict[str, tuple[Path, dict[str, bytes]]], uint16_scene: Path, tmp_path: Path
) -> None:
    job(uint16_scene, tmp_path / "out.tif")
    shutil.copytree(killed["out.tif"][0], tmp_path, dirs_exist_ok=True)
    job(uint16_scene, tmp_path / "out.tif", resume=True, overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["out.tif"]


def test_blocks_of_another_size_are_taken_where_nobody_asks_for_one(
    killed: dict[str, tuple[Path, dict[str, bytes]]], uint16_scene: Path, tmp_path: Path
) -> None:
    left, whole = killed["out.tif"]
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    assert job(uint16_scene, tmp_path / "out.tif", resume=True, block=None).resumed_blocks == 7
    assert content(tmp_path / "out.tif") == whole


def test_a_job_that_does_not_resume_tells_and_deletes(
    killed: dict[str, tuple[Path, dict[str, bytes]]],
    uint16_scene: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    left, whole = killed["out.tif"]
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    assert job(uint16_scene, tmp_path / "out.tif").resumed_blocks == 0
    assert "deleted with 7 blocks, with which --resume would have gone on" in caplog.text
    assert content(tmp_path / "out.tif") == whole


@pytest.mark.parametrize(
    ("error", "kept"), [(KeyboardInterrupt, True), (OutputError("full"), True), (TypeError, False)]
)
def test_what_keeps_blocks(
    uint16_scene: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Any, kept: bool
) -> None:
    def fail(_: object, record: Record, sync: object) -> None:
        add(_, record, sync)
        if Path(_._path).stat().st_size > 3000:
            raise error

    add = Journal.add
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "add", fail)
        for resume in (False, True):  # a short job keeps them only if it was asked to
            with pytest.raises(BaseException, match="full|") as raised:
                job(uint16_scene, tmp_path / "out.tif", resume=resume)
            assert raised.type is (type(error) if isinstance(error, Exception) else error)
            assert bool(list(tmp_path.iterdir())) == (resume and kept)
    if kept:
        assert "to go on, run the same again with --resume" in caplog.text
        assert job(uint16_scene, tmp_path / "out.tif", resume=True).resumed_blocks > 0


def test_a_finished_job_is_summed_up_again(uint16_scene: Path, tmp_path: Path) -> None:
    first = job(uint16_scene, tmp_path / "out.tif").to_dict()
    before = (tmp_path / "out.tif").stat().st_mtime_ns, content(tmp_path / "out.tif")
    again = job(uint16_scene, tmp_path / "out.tif", resume=True, overwrite=False).to_dict()
    assert ((tmp_path / "out.tif").stat().st_mtime_ns, content(tmp_path / "out.tif")) == before
    volatile = {"seconds", "peak_rss_bytes", "finished_before"}
    assert (first["finished_before"], again["finished_before"]) == (False, True)
    assert {key: again[key] for key in again.keys() - volatile} == {key: first[key] for key in first.keys() - volatile}


def test_a_flush_that_fails_ends_the_job(uint16_scene: Path, tmp_path: Path) -> None:
    def fail(_: Growing) -> None:
        raise OSError(5, "Input/output error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geosal.files.journal.SYNC_SECONDS", 0.0)
        patch.setattr(Growing, "sync", fail)
        with pytest.raises(OutputError, match="Input/output error"):
            job(uint16_scene, tmp_path / "out.tif")


def test_a_second_encode_is_gone_on_with_and_the_first_not_made_again(
    uint16_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that asks for bytes, whose first file misses them."""
    more = {"treatment": "quality", "creation_options": {}, "target_bpp": 2.0}
    first = RateSearch.first
    monkeypatch.setattr(RateSearch, "first", lambda search: search._knob.at(first(search) and 30.0))
    for name in ("whole", "again"):
        (tmp_path / name).mkdir()
    with seen_after(BLOCKS + 5, tmp_path / "again"):
        whole = job(uint16_scene, tmp_path / "whole/jpeg.tif", **more)
    encoded: list[int] = []
    note = _KeptSink.note
    monkeypatch.setattr(_KeptSink, "note", lambda sink, record: (encoded.append(1), note(sink, record)))
    again = job(uint16_scene, tmp_path / "again/jpeg.tif", resume=True, **more)
    assert content(tmp_path / "again/jpeg.tif") == content(tmp_path / "whole/jpeg.tif")
    assert (again.resumed_blocks, len(encoded)) == (5, BLOCKS - 5)
    assert whole.search is not None
    assert again.search is not None
    for key in ("encodes", "found", "encoded", "reached_bytes"):
        assert again.search[key] == whole.search[key]
