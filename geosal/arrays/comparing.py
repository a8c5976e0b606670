"""Compare the file of an array with a candidate."""

import os
from dataclasses import asdict
from typing import Any

import xarray as xr

from geosal.arrays.coordinates import check_dimensions, grid_of
from geosal.arrays.layout import of_bands
from geosal.arrays.place import pixels_in_file
from geosal.comparison import Comparison, judge, open_any, pair_with
from geosal.core.gdal_env import path_text
from geosal.errors import UsageError
from geosal.scenes import Reading
from geosal.verification import Asked

_OF_JUDGING = ("data_range", "error_map", "progress")
_OF_BANDS = frozenset({"bidx", "bands"})


def compare(
    array: xr.DataArray, candidate: str | os.PathLike[str], saliency: Asked = None, **options: Any
) -> Comparison:
    """Compare the bands of an array, as they are in its file, with a candidate.

    Parameters
    ----------
    array
        From `geosal.open_scene`, whole or in some of its bands.
    candidate, saliency
        See `geosal.compare`.
    **options
        The other parameters of `geosal.compare`; ``bidx`` and ``bands`` name others than the array's.

    Raises
    ------
    UsageError
        The array was not opened by `geosal.open_scene`, or is a part of its file.
    GeosalError
        See `geosal.compare`.
    """
    check_dimensions(array)
    path, known = (array.encoding.get(key) for key in ("source", "reading"))
    if not path or known is None:
        raise UsageError("this array comes from no file that geosal opened; give both paths to geosal.compare")
    judging = {name: options.pop(name) for name in _OF_JUDGING if name in options}
    ladder = options.pop("ladder", None)
    reading = Reading.of(asdict(known) | options, ("saliency", "ladder", *_OF_JUDGING))
    scene = open_any(path, reading)
    place = pixels_in_file(array, grid_of(array), scene.layout)
    if place is None or not place.is_whole:
        raise UsageError(
            f"this array is not all of {path}, which would be compared whole; write it to a file, and give both paths "
            "to geosal.compare"
        )
    if not _OF_BANDS & options.keys():
        scene = of_bands(scene, array, scene)
    if "error_map" in judging and judging["error_map"] is not None:
        judging["error_map"] = path_text("error_map", judging["error_map"])
    return judge(pair_with(scene, path_text("candidate", candidate), reading, saliency, ladder), **judging)
