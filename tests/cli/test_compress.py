import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import Result

KEYS = {
    "output", "driver", "profile", "bytes", "bits_per_pixel", "width", "height", "count", "dtype", "ladder",
    "effective_kernel", "kernel_shares", "coverage", "blocks", "seconds", "peak_rss_bytes",
}  # fmt: skip


def test_compress_prints_a_table_and_nothing_on_stderr(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    out = tmp_path / "out.tif"
    result = call("compress", rgb_scene, out, "--saliency", "half")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"output    {out}" in result.stdout
    assert "deflate (COG)" in result.stdout
    assert "8 steps, widths 1 to 17 px, sigma opencv" in result.stdout
    assert " px of the valid pixels, 9.00 px of all\n" in result.stdout  # the wedge is nodata
    with rasterio.open(rgb_scene) as source, rasterio.open(out) as written:
        assert written.tags(ns="PROVENANCE") == source.tags(ns="PROVENANCE")
        half = source.width // 2
        assert (written.read()[:, :, :half] == source.read()[:, :, :half]).all()
        assert (written.read()[:, :, half:] != source.read()[:, :, half:]).mean() > 0.5


@pytest.mark.parametrize(("suffix", "driver"), [(".tif", "COG"), (".jp2", "JP2OpenJPEG")])
def test_json_document(suffix: str, driver: str, rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out, target = tmp_path / f"out{suffix}", tmp_path / "summary.json"
    result = call("compress", rgb_scene, out, "-s", "grid", "--quiet", "--json", target, "--block", "256")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    summary = json.loads(target.read_text())
    assert summary.keys() >= KEYS
    assert (summary["output"], summary["driver"]) == (str(out), driver)
    assert summary["bytes"] == out.stat().st_size
    assert summary["bits_per_pixel"] == pytest.approx(8 * out.stat().st_size / (520 * 780))
    assert (summary["width"], summary["height"], summary["count"], summary["dtype"]) == (780, 520, 3, "uint8")
    assert summary["ladder"] == {"steps": 8, "sigma": "opencv"}
    assert summary["blocks"] == 3 * 4
    assert [(check["name"], check["ok"]) for check in summary["checks"]] == [("structure", True)]
    shares = {int(width): share for width, share in summary["kernel_shares"].items()}
    assert sum(shares.values()) == pytest.approx(1)
    assert summary["effective_kernel"] == pytest.approx(sum(width * share for width, share in shares.items()))


def test_json_on_stdout_is_alone_there(
    rgb_scene: Path, tmp_path: Path, shell: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    mask = tmp_path / "mask.tif"  # covers the left half only: there is a warning
    with rasterio.open(rgb_scene) as source:
        profile = source.profile | {"count": 1, "width": source.width // 2, "nodata": None, "photometric": "MINISBLACK"}
    with rasterio.open(mask, "w", **profile) as dataset:
        dataset.write((np.indices(dataset.shape).sum(axis=0) % 256).astype(np.uint8), 1)
    run = shell("compress", rgb_scene, tmp_path / "out.tif", "-s", mask, "--json", "-", "-v")
    assert run.returncode == 0
    assert json.loads(run.stdout)["coverage"] == pytest.approx(0.5, abs=0.01)
    assert "geosal: warning: " in run.stderr
    assert all(line.startswith("geosal: ") for line in run.stderr.splitlines())


def test_config_and_command_line(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    recipe = tmp_path / "recipe.yaml"
    out = tmp_path / "out.tif"
    recipe.write_text(f"input: {rgb_scene}\noutput: {out}\nsaliency: half\nsteps: 4\nprofile: zstd\n")
    result = call("compress", "--config", recipe, "--steps", "2", "--json", "-")
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["profile"], summary["ladder"]["steps"]) == ("zstd", 2)
    recipe.write_text("inptu: a.tif\n")
    result = call("compress", "--config", recipe)
    assert result.exit_code == 2
    assert "inptu" in result.stderr
    assert "did you mean input?" in result.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("SCENE OUT", 2),
        ("SCENE OUT -s perlin:sede=1", 2),
        ("SCENE OUT -s half --profile mp3", 2),
        ("SCENE OUT.gif -s half", 2),
        ("SCENE OUT -s half --bidx 9", 2),
        ("missing.tif OUT -s half", 3),
        ("SCENE OUT -s missing.tif", 3),
        ("README OUT -s half", 3),
        ("SCENE OUT -s ELSEWHERE", 4),
        ("SCENE missing/out.tif -s half", 5),
        ("SCENE SCENE -s half --overwrite", 5),
        ("SCENE EXISTING -s half", 5),
        ("SCENE OUT -s half --json missing/a.json", 5),
        ("SCENE OUT -s half --json SCENE", 2),
        ("SCENE OUT -s half --max-pixels 1000", 7),
        ("SCENE OUT -s half --max-memory 1MB", 7),
        ("SCENE OUT -s half --scheduler tcp://127.0.0.1:9", 8),
        ("SCENE OUT -s half --scheduler nowhere", 2),
    ],
)
def test_refusals(
    words: str, code: int, rgb_scene: Path, tmp_path: Path, repository: Path, call: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("geosal.core.cluster.connection.CONNECT_SECONDS", 0.5)
    existing = tmp_path / "existing.tif"
    existing.write_bytes(b"precious")
    names = {
        "SCENE": rgb_scene,
        "OUT": tmp_path / "out.tif",
        "OUT.gif": tmp_path / "out.gif",
        "EXISTING": existing,
        "README": repository / "README.md",
        "ELSEWHERE": _far_away_mask(tmp_path),
    }
    before = rgb_scene.read_bytes()
    result = call("compress", *(names.get(word, word) for word in words.split()))
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert [line for line in lines if line.startswith("geosal: error: ")] == lines[-1:]
    assert all(line.startswith("geosal: ") for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["existing.tif", "far.tif"]
    assert existing.read_bytes() == b"precious"
    assert rgb_scene.read_bytes() == before


def _far_away_mask(directory: Path) -> Path:
    path = directory / "far.tif"
    transform = rasterio.transform.from_origin(300_000, 1_000_000, 10, 10)
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=1, height=50, width=60, crs="EPSG:32645", transform=transform
    ) as dataset:
        dataset.write(np.indices((50, 60)).sum(axis=0).astype(np.uint8), 1)
    return path


def test_a_target_is_met_and_its_cost_told(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    output = tmp_path / "out.tif"
    words = ("compress", rgb_scene, output, "-s", "half", "--profile", "jpeg", "--target-size", "155KB")
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert 0.99 * 155e3 <= output.stat().st_size <= 155e3
    assert "1 full encode" in result.stdout
    assert "with --treatment quality:low=" in result.stdout


def test_a_target_that_cannot_be_reached_is_exit_code_6(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    output = tmp_path / "out.tif"
    for words in (("--target-ratio", "900:1"), ("--min-psnr", "salient:70")):
        result = call("compress", rgb_scene, output, "-s", "half", "--profile", "jpeg", *words)
        assert result.exit_code == 6
        assert "the best is" in result.stderr
        assert not output.exists()
    assert call("compress", rgb_scene, output, "-s", "half", "--min-ssim", "2").exit_code == 2
