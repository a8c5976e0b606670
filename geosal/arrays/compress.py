"""The main job on an array: every treatment, target and format that a file has."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Unpack

import xarray as xr

from geosal.arrays.array_scene import ArrayScene, samples_of, untouched
from geosal.arrays.coordinates import grid_of
from geosal.arrays.forms import as_scene
from geosal.arrays.given import given_sources, mask_of, texts_of
from geosal.arrays.reading import done_to, telling_its_reading
from geosal.arrays.samples import ArraySamples, Chunked
from geosal.arrays.spill import Spilled
from geosal.arrays.write import check_array_output
from geosal.core.bars import Reporting, reporter
from geosal.core.cluster.scheduler import THREADS, Scheduler
from geosal.core.gdal_env import path_text
from geosal.core.progress import ProgressCallback
from geosal.files.publish import WorkDirectory
from geosal.job.pipeline import run
from geosal.job.plan import make_plan
from geosal.job.recall import as_wished
from geosal.job.recipe import JobOptions, Recipe
from geosal.job.summary import Summary


def compress(
    array: xr.DataArray | xr.Dataset,
    output: str | os.PathLike[str],
    saliency: object,
    *,
    progress: Reporting = None,
    **options: Unpack[JobOptions],
) -> Summary:
    """Smooth or treat an array by its saliency and write it, as `geosal.compress` does with a file.

    What is still the file that `geosal.open_scene` opened is read from there. A lazy array is computed once, chunk by
    chunk, into a temporary raster beside the output, because a job reads blocks with their surroundings, and reads some
    of them again to find a setting; a lazy saliency likewise. That takes room: the array's bytes before any codec, a
    little compressed. An array in memory stays there.

    Parameters
    ----------
    array
        (band, y, x) or (y, x), in any order and by the names of any library; a Dataset's variables become bands.
    output
        File to write; the suffix picks the writer.
    saliency
        What `geosal.saliency` takes, or what came of it.
    progress
        Called after each block and at each stage; True for a bar.
    **options
        Fields of `geosal.Recipe`: ``profile``, ``treatment``, ``target_size``, ``overwrite`` … ``max_memory`` holds for
        the job; before it, computing a lazy array takes what its chunks take, see `geosal.write`.

    Returns
    -------
    Summary
        What was done; ``input_bytes`` is None, unless a file is read.

    Raises
    ------
    GeosalError
        A leaf that says why; then no output exists under that name, or the one that was there is untouched.
    """
    scene, output = as_scene(array), path_text("output", output)
    check_array_output(scene, output, overwrite=bool(options.get("overwrite", False)))
    report = reporter(progress)
    with ExitStack() as stack:
        where = Scheduler.of(options.get("scheduler"), insecure=bool(options.get("insecure_cluster", False)))
        spill = _Spill(stack, output, where, options.get("workers"), report)
        source = ArrayScene.of(scene, spill.samples(scene))
        masks = list(saliency) if isinstance(saliency, list | tuple) else [saliency]
        sources = given_sources([spill.mask(mask, scene) for mask in masks], scene)
        wish = as_wished({"input": source.path, "output": output, "saliency": texts_of(sources), **options})
        wish = {name: value for name, value in wish.items() if name in options or name not in done_to(scene)}
        plan = make_plan(Recipe.from_mapping(wish), source, sources)
        return run(telling_its_reading(plan, scene, source), report, resume=None)


class _Spill:
    """Where lazy arrays go: temporary rasters, in a folder that is made when the first of them is."""

    def __init__(
        self, stack: ExitStack, output: str, scheduler: Scheduler, workers: int | None, report: ProgressCallback
    ) -> None:
        self._stack, self._output = stack, output
        self._in_threads = scheduler == THREADS
        self._workers, self._report = workers, report
        self._folder: WorkDirectory | None = None

    def samples(self, scene: xr.DataArray) -> ArraySamples:
        """Where the samples of a scene come from."""
        stacked = scene if "band" in scene.dims else scene.expand_dims("band")
        return untouched(stacked) or self._spilled(stacked, "scene.tif")

    def mask(self, source: object, scene: xr.DataArray) -> object:
        """A source of saliency; of a lazy array one that is spilled."""
        if not isinstance(source, xr.DataArray):
            return source
        mask = as_scene(source)
        stacked = mask if "band" in mask.dims else mask.expand_dims("band")
        return mask_of(mask, grid_of(scene), self._spilled(stacked, "saliency.tif"))

    def _spilled(self, stacked: xr.DataArray, name: str) -> ArraySamples:
        samples = samples_of(stacked)
        if not isinstance(samples, Chunked) and self._in_threads:
            return samples
        if not isinstance(samples, Chunked):  # other processes read it
            samples = Chunked.of(samples)
        return Spilled(samples.pixels, samples.mask, self._place(name), self._workers, self._report)

    def _place(self, name: str) -> Callable[[], Path]:
        def place() -> Path:
            if self._folder is None:
                self._folder = self._stack.enter_context(WorkDirectory(self._output, overwrite=True))
            return self._folder.path(name)

        return place
