"""Run the demo: a scene, a mask, the main job in three codecs, the same without smoothing, JPEGs, and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio.shutil
from rasterio.errors import RasterioError
from scipy import ndimage

from geosal.comparison import judge
from geosal.comparison.result import BACKGROUND, SALIENT
from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block
from geosal.core.progress import Progress, ProgressCallback
from geosal.errors import OutputError, cause_of
from geosal.formats.profiles import resolve_profile
from geosal.job.pipeline import compress
from geosal.job.proof import hold
from geosal.job.recipe import CompressOptions
from geosal.lab.demo.scene import make_demo_scene
from geosal.maps.lost import write_lost, write_rivals
from geosal.scenes import Scene

SIZE = 1536
"""Rows and columns of the demo's scene."""
PICTURE, PICTURE_OF_JPEGS = "before-after.png", "jpegs.png"
_PLAIN, _SHAPED = "plain.jpg", "shaped.jpg"
_ZOOM = 240
"""Rows and columns of the part that pictures magnify."""
_KEPT = 255
"""Value of the mask where pixels are to stay as they are."""
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


@dataclass(frozen=True, kw_only=True)
class DemoJpeg:
    """One JPEG of the demo, and how near it is to the scene.

    Attributes
    ----------
    file
        Its name.
    kept_psnr, rest_psnr
        PSNR in dB of the pixels of saliency 1, and of all others.
    """

    file: str
    bytes: int
    kept_psnr: float
    rest_psnr: float


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


def compare_jpegs(directory: Path, progress: ProgressCallback | None = None) -> list[DemoJpeg]:
    """Write the scene of a demo as a plain JPEG, and as one of the same bytes that follows the mask, and draw both.

    Parameters
    ----------
    directory, progress
        As for `run_demo`, which comes first.

    Returns
    -------
    list of DemoJpeg
        The plain one, then the other.

    Raises
    ------
    GeosalError
        See `geosal.compress`.
    """
    scene, mask, report = directory / "scene.tif", directory / "mask.tif", progress or _ignore
    plain: CompressOptions = {"saliency": "uniform:saliency=1", "treatment": "smooth", "overwrite": True}
    plain["creation_options"] = {"TABLES": "ANNEXK"}  # as libjpeg makes it
    compress(scene, directory / _PLAIN, progress=progress, **plain)
    compress(scene, directory / _SHAPED, progress=progress, saliency=mask, overwrite=True)
    rivals, found = {}, []
    for title, name in (("plain JPEG", _PLAIN), ("geosal, at its bytes", _SHAPED)):
        pair = hold(str(directory / name), str(scene), str(mask)).pair(str(directory / name))
        outcome = judge(pair, progress=report)
        rivals[title] = pair, outcome
        kept, rest = (outcome.scores(part).psnr for part in (SALIENT, BACKGROUND))
        found.append(DemoJpeg(file=name, bytes=(directory / name).stat().st_size, kept_psnr=kept, rest_psnr=rest))
    path = str(directory / PICTURE_OF_JPEGS)
    write_rivals(path, rivals, _part_with_a_ship(scene, mask), overwrite=True, progress=report)
    return found


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
    part = _part_with_a_ship(scene, mask)
    write_lost(str(scene.parent / PICTURE), pair, outcome, part=part, overwrite=True, progress=report)


def _part_with_a_ship(scene: Path, mask: Path) -> Block:
    """Find the part around a ship in which most is to be seen: ships are all that is kept but the town."""
    with gdal_env(), rasterio.open(scene) as dataset, rasterio.open(mask) as matters:
        green, kept = dataset.read(2), matters.read(1) == _KEPT
        factor = dataset.height / matters.height
    labels, count = ndimage.label(kept)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    sides = [min(_ZOOM, length) for length in green.shape]
    parts = []
    for number in np.flatnonzero(sizes < sizes.max()) + 1 if count > 1 else range(1, count + 1):
        centre = ndimage.center_of_mass(labels == number)
        corner = (
            int(np.clip(factor * place - side / 2, 0, length - side))
            for place, side, length in zip(centre, sides, green.shape, strict=True)
        )
        parts.append(Block(*corner, *sides))
    return max(parts, key=lambda part: float(green[part.slices_in(_whole(green.shape))].std()), default=_whole(sides))


def _whole(shape: Sequence[int]) -> Block:
    return Block(0, 0, *shape)


def _ignore(_: Progress) -> None:
    """Take no notice."""
