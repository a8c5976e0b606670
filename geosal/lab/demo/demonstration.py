"""Run the demo: a scene, a mask, the main job in three codecs, the same without smoothing, and a picture."""

from dataclasses import dataclass
from pathlib import Path

import rasterio.shutil
from rasterio.errors import RasterioError

from geosal.comparison import judge
from geosal.core.gdal_env import gdal_env
from geosal.core.progress import Progress, ProgressCallback
from geosal.errors import OutputError, cause_of
from geosal.formats.profiles import resolve_profile
from geosal.job.pipeline import compress
from geosal.job.proof import hold
from geosal.job.recipe import CompressOptions
from geosal.lab.demo.scene import make_demo_scene
from geosal.maps.lost import write_lost
from geosal.scenes import Scene

SIZE = 1536
"""Rows and columns of the demo's scene."""
PICTURE = "before-after.png"
_JOBS = (("deflate", ".tif"), ("jpeg", ".tif"), ("jp2-lossless", ".jp2"))


@dataclass(frozen=True, kw_only=True)
class DemoRow:
    """One file of the demo.

    Attributes
    ----------
    file
        Its name.
    bits_per_pixel
        8 * bytes / (width * height).
    reduction_percent
        Reduction against the same codec without smoothing; None for that one itself.
    effective_kernel, kernel_shares
        Mean kernel width in pixels, and the share of the valid pixels that each width took.
    """

    file: str
    profile: str
    bytes: int
    bits_per_pixel: float
    reduction_percent: float | None
    effective_kernel: float
    kernel_shares: dict[str, float]


def run_demo(directory: Path, progress: ProgressCallback | None = None, size: int = SIZE) -> list[DemoRow]:
    """Make scene and mask in a directory, compress the scene, and draw the picture.

    Parameters
    ----------
    directory
        An existing directory; files of an earlier demo in it are replaced.
    progress
        See `geosal.compress`.
    size
        Rows and columns of the scene.

    Returns
    -------
    list of DemoRow
        Results for each codec: the file without smoothing, then the one with it.

    Raises
    ------
    GeosalError
        See `geosal.compress`.
    """
    report = progress or _ignore
    report(Progress("scene", 0, 1, "steps"))
    scene, mask = make_demo_scene(directory, size)
    report(Progress("scene", 1, 1, "steps"))
    rows: list[DemoRow] = []
    for profile, suffix in _JOBS:
        plain = _copy_plain(scene, directory / f"plain-{profile}{suffix}", profile)
        smoothed = directory / f"smoothed-{profile}{suffix}"
        wish: CompressOptions = {"saliency": mask, "treatment": "smooth", "profile": profile, "overwrite": True}
        summary = compress(scene, smoothed, progress=progress, **wish)
        before, after = plain.stat().st_size, summary.bytes
        rows += [
            DemoRow(
                file=plain.name,
                profile=profile,
                bytes=before,
                bits_per_pixel=8 * before / size**2,
                reduction_percent=None,
                effective_kernel=1.0,
                kernel_shares={"1": 1.0},
            ),
            DemoRow(
                file=smoothed.name,
                profile=profile,
                bytes=after,
                bits_per_pixel=summary.bits_per_pixel,
                reduction_percent=100 * (1 - after / before),
                effective_kernel=summary.effective_kernel,
                kernel_shares=summary.kernel_shares,
            ),
        ]
    _draw(scene, mask, directory / rows[1].file, report)
    return rows


def _copy_plain(scene: Path, output: Path, profile: str) -> Path:
    """Let GDAL copy the scene with the same codec and options, as the baseline."""
    chosen = resolve_profile(str(output), profile, {}, Scene.open(str(scene)).layout)
    try:
        with gdal_env():
            rasterio.shutil.copy(scene, output, driver=chosen.driver, **dict(chosen.creation_options))
    except (RasterioError, OSError) as error:
        raise OutputError(
            f"{output}: cannot be written: {cause_of(error)}; free some room, or name another directory"
        ) from error
    return output


def _draw(scene: Path, mask: Path, smoothed: Path, report: ProgressCallback) -> None:
    """Show what the first job did."""
    pair = hold(str(smoothed), str(scene), str(mask)).pair(str(smoothed))
    outcome = judge(pair, progress=report)
    write_lost(str(scene.parent / PICTURE), pair, outcome, overwrite=True, progress=report)


def _ignore(_: Progress) -> None:
    """Take no notice."""
