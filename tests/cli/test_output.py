import json
import platform
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from geosal.cli import output
from geosal.cli.output import Report
from geosal.errors import OutputError, UsageError
from geosal.version import __version__


def test_document_in_a_file_has_no_secrets_and_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    document = {"input": "https://h/x.tif?sig=SECRET", "nodata": float("nan"), "list": [1, float("inf")], "n": None}
    Report.to(str(path)).write(document)
    read = json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert (read.pop("schema"), read.pop("versions")["geosal"]) == (1, __version__)
    assert read.pop("host") == platform.node()
    assert abs(datetime.fromisoformat(read.pop("began")) - datetime.now(UTC)) < timedelta(minutes=5)
    assert read == {"input": "https://h/x.tif?***", "nodata": "nan", "list": [1, "inf"], "n": None}


def test_stdout_belongs_to_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report.to("-")
    report.show("a table")
    report.summarise("a summary")
    report.write({"a": 1})
    assert json.loads(capsys.readouterr().out)["a"] == 1


def test_quiet_leaves_out_summaries_only(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(quiet=True)
    report.summarise("a summary")
    report.show("asked for")
    report.write({"a": 1})
    assert capsys.readouterr().out == "asked for\n"


def test_target_is_checked_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a directory"):
        Report.to(str(tmp_path))
    with pytest.raises(OutputError, match="does not exist"):
        Report.to(str(tmp_path / "no" / "a.json"))
    (tmp_path / "other").touch()
    with pytest.raises(OutputError, match="other is no directory"):
        Report.to(str(tmp_path / "other" / "a.json"))
    with pytest.raises(UsageError, match="names no file"):
        Report.to("")
    (tmp_path / "link").symlink_to(tmp_path / "scene.tif")
    with pytest.raises(UsageError, match="file of the job"):
        Report(str(tmp_path / "link")).keep_apart(str(tmp_path / "scene.tif"))
    (tmp_path / "scene.tif").touch()
    (tmp_path / "hard").hardlink_to(tmp_path / "scene.tif")
    with pytest.raises(UsageError, match="file of the job"):
        Report(str(tmp_path / "hard")).keep_apart(None, "https://h/a.tif", str(tmp_path / "scene.tif"))
    Report(str(tmp_path / "other.json")).keep_apart(None, str(tmp_path / "scene.tif"), "\0")
    Report("-").keep_apart("-")


def test_tables_line_up() -> None:
    assert output.pairs([("a", 1), ("long", "x")]) == "a     1\nlong  x"
    lines = output.grid(
        ("file", "bytes", "shares"), [("a.tif", "1,000", "1: 50 %"), ("longer.jp2", "9", "")]
    ).splitlines()
    assert lines == [
        "file        bytes  shares",
        "-" * 26,
        "a.tif       1,000  1: 50 %",
        "longer.jp2      9",
    ]


def test_shares_are_in_the_order_of_the_widths() -> None:
    assert output.as_shares({"17": 0.25, "5": 0.5, "1": 0.25}) == "1: 25.0 %, 5: 50.0 %, 17: 25.0 %"
    assert output.as_ladder({"steps": 8, "sigma": "opencv"}) == "8 steps, widths 1 to 17 px, sigma opencv"


def test_levels_instead_of_kernels_where_nothing_is_smoothed() -> None:
    shares = {"kernel_shares": {"1": 0.25, "17": 0.75}, "level_shares": {"0": 0.25, "8": 0.75}}
    for treatment in ("smooth", "smooth quality:low=40,high=90"):
        row = output.as_kernels({"treatment": treatment, **shares}, "13.00 px")
        assert row == ("kernels", "1: 25.0 %, 17: 75.0 %; effective 13.00 px")
    name, text = output.as_kernels({"treatment": "quality:low=40,high=90", **shares}, "1.00 px")
    assert name == "levels"
    assert text == "0: 25.0 %, 8: 75.0 %; 0 is saliency 1; nothing is smoothed"


def test_a_full_disk_behind_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115  closed below
    monkeypatch.setattr("sys.stdout", full)
    with pytest.raises(OutputError, match="No space left"):
        Report.to("-").write({"a": "b " * 50_000})
    with suppress(OSError):  # what was not written is tried again, and from Python 3.14 on that raises here
        full.close()


def test_what_a_jpeg_has_gained_is_told() -> None:
    facts = {
        "asked": "--target-jpeg 75", "found": "--treatment quality:low=40,high=88", "reached_bytes": 900, "trials": 20,
        "seconds": 1.0, "encodes": 1, "beside_plain": {"salient_db": 3.456, "background_db": 0.04, "ssim": 0.00123},
    }  # fmt: skip
    told = "salient +3.5 dB, background +0.0 dB, SSIM +0.0012 over a plain JPEG of these bytes, on a sample"
    assert dict(output.as_search(facts))["beside plain"] == told
    nothing_salient = {**facts, "beside_plain": {"salient_db": None, "background_db": 1.0, "ssim": 0.01}}
    assert str(dict(output.as_search(nothing_salient))["beside plain"]).startswith("background +1.0 dB, SSIM +0.0100")
    assert "beside plain" not in dict(output.as_search({**facts, "beside_plain": None}))


def test_control_characters_of_names_are_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    Report.to(None).show("a\x1b]0;x\x07.tif\tb\n\x9b2J\x1b[31m")
    assert capsys.readouterr().out == "a\\x1b]0;x\\x07.tif\tb\n\\x9b2J\\x1b[31m\n"
