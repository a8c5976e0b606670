"""Memory stays bounded whatever the size of the scene: the peak of whole jobs, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

import geosal
from geosal import produce

MIB = 2**20
SIZES = {"small": 3072, "large": 6144}
"""Pixels along a side: four times the area."""
TILE = 512


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Scenes of three bands of uint8, 27 and 108 MiB, written tile by tile; slopes, which no codec needs long for."""
    slope = np.add.outer(np.arange(TILE) // 8, np.arange(TILE) // 8)
    tile = np.stack([slope + 20 * band for band in range(3)]).astype(np.uint8)
    place = {"crs": "EPSG:32631", "transform": rasterio.transform.from_origin(4e5, 49e5, 10, 10)}
    tiling = {"tiled": True, "blockxsize": TILE, "blockysize": TILE}
    made = {}
    for name, size in SIZES.items():
        made[name] = tmp_path_factory.mktemp("memory") / f"{name}.tif"
        profile = {"driver": "GTiff", "count": 3, "height": size, "width": size, "dtype": "uint8"}
        with rasterio.open(made[name], "w", **profile, **place, **tiling) as dataset:
            for row in range(0, size, TILE):
                for col in range(0, size, TILE):
                    dataset.write(tile, window=Window(col, row, TILE, TILE))
    return made


def compress(scene: Path, output: Path, *options: str, cache: str | None = None) -> dict[str, Any]:
    """Run the job, and check what it says of its peak against what the kernel says of its children."""
    environment = {**os.environ, "GDAL_CACHEMAX": cache} if cache else None
    job = [sys.executable, "-P", "-m", "geosal", "compress", str(scene), str(output), "--saliency", "half", *options]
    # Linux counts the memory of whoever starts a process as that process's own. So a small one starts it.
    watch = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:]).returncode\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(peak if sys.platform == 'darwin' else peak * 1024, file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, *job, "--workers", "2", "--quiet", "--json", "-"],
        capture_output=True, text=True, timeout=240, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    assert summary["peak_rss_bytes"] == pytest.approx(int(done.stderr.split()[-1]), rel=0.1)
    return summary


@pytest.mark.parametrize("suffix", ["tif", "jp2"])
def test_four_times_the_area_takes_the_same_memory(scenes: dict[str, Path], tmp_path: Path, suffix: str) -> None:
    """GDAL's cache is bounded, but the small scene does not fill it; made small, it hides no growth of ours."""
    peaks = {
        name: compress(scene, tmp_path / f"{name}.{suffix}", "--block", "1024", cache="16")["peak_rss_bytes"]
        for name, scene in scenes.items()
    }
    assert peaks["large"] <= 1.15 * peaks["small"], {name: f"{peak / MIB:.0f} MiB" for name, peak in peaks.items()}


@pytest.mark.parametrize("suffix", ["tif", "jp2"])
def test_the_peak_stays_under_a_gibibyte(scenes: dict[str, Path], tmp_path: Path, suffix: str) -> None:
    summary = compress(scenes["large"], tmp_path / f"out.{suffix}", "--block", "1024")
    assert summary["peak_rss_bytes"] <= 1024 * MIB


def test_a_limit_is_kept(scenes: dict[str, Path], tmp_path: Path) -> None:
    summary = compress(scenes["large"], tmp_path / "out.tif", "--max-memory", "500MiB")
    assert summary["blocks"] > 9  # of 2048 px, were there no limit
    assert summary["peak_rss_bytes"] <= 500 * MIB


def test_what_workers_have_freed_goes_back_before_the_file_ends(
    scenes: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of a JPEG fills GDAL's cache anew; what threads leave behind would come on top of it."""
    order: list[str] = []
    monkeypatch.setattr(produce, "close_shared_rasters", lambda: order.append("close"))
    monkeypatch.setattr(produce, "trim_memory", lambda: order.append("give back"))
    monkeypatch.setattr(produce, "verify_structure", lambda *_: order.append("verify"))
    geosal.compress(
        str(scenes["small"]), str(tmp_path / "out.jpg"), saliency="half", creation_options={"QUALITY": "75"}
    )
    assert order == ["close", "give back", "verify"]


def test_a_jpeg_with_a_target_takes_no_more_than_was_planned(scenes: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    planned = geosal.make_plan(
        geosal.Recipe(input=str(scenes["large"]), output=str(out), saliency=("half",), target_jpeg=75, workers=2)
    ).memory_bytes
    summary = compress(scenes["large"], out, "--treatment", "quality", "--target-jpeg", "75")
    assert summary["peak_rss_bytes"] <= min(planned, 512 * MIB)
