"""How good an array or a file is, against an array: block by block, as files are compared."""

import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import xarray as xr

from geosal.arrays.array_scene import ArrayScene, samples_of, untouched
from geosal.arrays.forms import as_scene
from geosal.arrays.given import given_sources
from geosal.arrays.reading import done_to
from geosal.arrays.samples import ArraySamples, Chunked
from geosal.arrays.spill import Spilled
from geosal.comparison import Comparison, Pair, judge
from geosal.core.bars import Reporting, reporter
from geosal.core.gdal_env import path_text
from geosal.core.ladder import Ladder
from geosal.core.progress import ProgressCallback
from geosal.job.proof import hold
from geosal.scenes import AnyScene, Reading, ReadingOptions, read_as
from geosal.sources import Saliency, open_saliency
from geosal.verification import Asked


def compare(
    original: xr.DataArray | xr.Dataset,
    candidate: xr.DataArray | xr.Dataset | str | os.PathLike[str],
    saliency: object = None,
    *,
    ladder: Ladder | None = None,
    data_range: float | None = None,
    error_map: str | os.PathLike[str] | None = None,
    progress: Reporting = None,
    **reading: Unpack[ReadingOptions],
) -> Comparison:
    """Measure how good a candidate is, as `geosal.compare` does with files.

    Lazy arrays are computed once, chunk by chunk, into temporary rasters in the system's folder for such (``TMPDIR``).

    Parameters
    ----------
    original
        An array; see `geosal.arrays.compress.compress`.
    candidate
        Another one, or a file.
    saliency
        What is to be told apart: anything that `geosal.saliency` takes. By default as the recipe in a file `candidate`
        says, if its masks lie beside it.
    ladder, data_range, error_map, progress
        See `geosal.compare`.
    **reading
        How `original` was read when `candidate` was made: ``bidx``, ``bands``, ``to_byte``. By default as the recipe
        in a file `candidate` says; what `geosal.open_scene` did is not done again.

    Returns
    -------
    Comparison
        All figures.

    Raises
    ------
    GeosalError
        As `geosal.compare`.
    """
    wanted = Reading.of(reading)
    error_map = None if error_map is None else path_text("error_map", error_map)
    report = reporter(progress)
    with ExitStack() as stack:
        source = opened(original, stack, report)
        scenes = [source]
        asked = saliency_on(source, saliency, original, wanted)
        if isinstance(candidate, xr.DataArray | xr.Dataset):
            scenes.append(opened(candidate, stack, report))
            pair, said = Pair.of(read_as(source, wanted), scenes[1], asked, ladder), {}
        else:
            path = path_text("candidate", candidate)
            held = hold(path, source, asked, unread=done_to(as_scene(original)), **reading)
            pair, said = held.pair(path, ladder), dict(held.said)
        found = judge(pair, data_range=data_range, error_map=error_map, progress=report)
        is_gone = any(isinstance(scene.samples, Spilled) for scene in scenes)  # with the temporary raster
        return replace(found, as_the_file_says=said, pair=None if is_gone else pair)


def saliency_on(
    source: AnyScene, asked: "object | Asked", original: xr.DataArray | xr.Dataset, reading: Reading
) -> Saliency | None:
    """Open what a caller gives as saliency on an array; errors are those of `geosal.saliency`."""
    if asked is None or isinstance(asked, Saliency):
        return asked
    sources = given_sources(asked, as_scene(original))
    return open_saliency(sources, source.grid, drivers=reading.drivers, scene=source.original)


def opened(array: xr.DataArray | xr.Dataset, stack: ExitStack, report: ProgressCallback) -> ArrayScene:
    """An array as a scene, spilled where it is lazy."""
    scene = as_scene(array)
    stacked = scene if "band" in scene.dims else scene.expand_dims("band")
    samples: ArraySamples = untouched(stacked) or samples_of(stacked)
    if isinstance(samples, Chunked):

        def place() -> Path:
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="geosal-"))) / "array.tif"

        samples = Spilled(samples.pixels, samples.mask, place, None, report)
    return ArrayScene.of(scene, samples)
