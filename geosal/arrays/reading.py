"""The reading by which an array came from its file: told in what is made of it, and not done to it again."""

from dataclasses import replace
from typing import Any

import xarray as xr

from geosal.arrays.array_scene import ArrayScene, FileSamples
from geosal.core.raster import THE_ARRAY
from geosal.job.plan import Plan
from geosal.scenes import Reading
from geosal.scenes.raster import Scene


def done_to(array: xr.DataArray) -> frozenset[str]:
    """Names of the options of reading that do not apply to an array: what was done to it, and what is for files."""
    reading: Reading = array.encoding.get("reading", Reading())
    bands = {"bidx", "bands"} if reading.bidx or reading.bands else set()  # its numbers are not the file's then
    to_byte = set() if reading.to_byte is None else {"to_byte"}
    return frozenset({"resolution", "resampling", "select", "stack"} | to_byte | bands)


def telling_its_reading(plan: Plan, array: xr.DataArray, scene: ArrayScene) -> Plan:
    """Return the plan of a job on an array that tells the reading of its file, or no file where that cannot be told.

    Parameters
    ----------
    plan
        Plan of the job.
    array
        The array.
    scene
        The same as a scene.
    """
    if not isinstance(scene.samples, FileSamples):
        return plan
    reading: Reading = array.encoding["reading"]
    bands = _bands(plan, scene, reading)
    if bands is None:
        return replace(plan, wish=plan.wish.patch(input=THE_ARRAY))
    told = {name: getattr(reading, name) for name in done_to(array)}
    return replace(plan, wish=plan.wish.patch(**told | bands))


def _bands(plan: Plan, scene: ArrayScene, reading: Reading) -> dict[str, Any] | None:
    """Return fields of a recipe that choose the same bands of the file; None where they cannot be told."""
    chosen = plan.wish.bidx or plan.wish.bands
    every = scene.file is not None and scene.numbers == tuple(range(1, scene.file.layout.count + 1))
    if isinstance(scene.file, Scene) and not (reading.bands or reading.bidx):
        return {} if every or chosen else {"bidx": scene.numbers}
    if every and not chosen:
        return {"bands": reading.bands, "bidx": reading.bidx}
    names = [band.description for band in plan.scene.layout.metadata.bands]
    return {"bands": tuple(names), "bidx": ()} if all(names) else None
