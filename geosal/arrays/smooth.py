"""Smoothing on arrays: `smooth_block` over a dask array through one `map_overlap`, and its xarray interface."""

from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import rioxarray  # noqa: F401  registers `.rio`, whoever made the array
import xarray as xr
from dask.array.overlap import ensure_minimum_chunksize
from numpy.typing import NDArray

from geosal.arrays.coordinates import check_dimensions
from geosal.core.ladder import Ladder
from geosal.core.raster import alpha_among, mask_out, told_nodata, valid_samples
from geosal.errors import SaliencyError, SceneError
from geosal.native.loops import DTYPES
from geosal.smoothing.block import SampleRules, smooth_block

_CHUNK = 2048


def smooth(scene: xr.DataArray, saliency: xr.DataArray, ladder: Ladder | None = None) -> xr.DataArray:
    """Smooth a scene lazily: each pixel by a Gaussian whose width follows its saliency.

    Parameters
    ----------
    scene
        (band, y, x) or (y, x), integer or float. Samples equal to ``scene.rio.nodata``, NaN, infinite, or False in a
        coordinate ``valid`` (y, x) keep their value and have no weight; a band whose coordinate ``colorinterp`` is
        ``"alpha"`` is carried over.
    saliency
        (y, x) in [0, 1] on the scene's grid; 1 keeps a pixel as it is.
    ladder
        Saliency to kernel width; the paper's 1, 3 … 17 by default.

    Returns
    -------
    xarray.DataArray
        A lazy array like `scene`, with its coordinates and attributes.

    Raises
    ------
    SceneError
        `scene` has other dimensions or no numbers to average.
    SaliencyError
        `saliency` is not (y, x) of the scene's shape and place; when computed: a value outside [0, 1] or NaN.

    Examples
    --------
    >>> smooth = geosal.smooth(scene, geosal.saliency("perlin", like=scene))  # doctest: +SKIP
    """
    check_dimensions(scene)
    if scene.dtype.name not in DTYPES:
        raise SceneError(f"samples of {scene.dtype} cannot be smoothed; convert to one of {', '.join(sorted(DTYPES))}")
    if not isinstance(saliency, xr.DataArray):
        raise SaliencyError(
            f"saliency of type {type(saliency).__name__}; it must be a DataArray: geosal.saliency(..., like=scene)"
        )
    if saliency.dims != ("y", "x") or saliency.shape != scene.shape[-2:]:
        raise SaliencyError(
            f"saliency {dict(saliency.sizes)} for a scene {dict(scene.sizes)}; "
            "it needs (y, x) on the same grid: geosal.saliency(..., like=scene)"
        )
    for axis in ("y", "x"):
        if axis in scene.coords and axis in saliency.coords and not _close(scene[axis], saliency[axis]):
            raise SaliencyError(
                f"saliency and scene begin at {axis}={saliency[axis].values[0]!s} and {scene[axis].values[0]!s}; "
                "it needs the scene's grid: geosal.saliency(..., like=scene)"
            )
    stacked = scene if scene.ndim == 3 else scene.expand_dims("band")
    colours = (
        [str(c) for c in np.atleast_1d(scene.coords["colorinterp"].values)] if "colorinterp" in scene.coords else []
    )
    rules = SampleRules(told_nodata(scene), alpha_among(colours))
    valid = scene.coords["valid"].data if "valid" in scene.coords else None
    smoothed = smooth_dask(_chunked(stacked.data), _chunked(saliency.data), valid, ladder or Ladder(), rules)
    result = scene.copy(data=smoothed if scene.ndim == 3 else smoothed[0])
    result.encoding = dict(scene.encoding)
    return result


def smooth_dask(
    pixels: da.Array, saliency: da.Array, valid: da.Array | None, ladder: Ladder, rules: SampleRules
) -> da.Array:
    """Wire `smooth_block` over chunks with halos of the widest kernel.

    Parameters
    ----------
    pixels
        (band, y, x), any chunks; small ones are merged until the halo fits.
    saliency
        (y, x) in [0, 1].
    valid
        (y, x) bool, or None when only nodata and NaN are invalid.
    ladder, rules
        See `smooth_block`.
    """
    y, x = (_merge_small_chunks(chunks, ladder.halo) for chunks in pixels.chunks[1:])
    # An axis of one chunk has no neighbours, so it may be shorter than the halo.
    depth = {0: 0, 1: ladder.halo if len(y) > 1 else 0, 2: ladder.halo if len(x) > 1 else 0}
    arrays = [pixels.rechunk({0: -1, 1: y, 2: x}), saliency.rechunk((y, x))[None]]
    if valid is not None:
        arrays.append(da.asarray(valid).rechunk((y, x))[None])
    smoothed: da.Array = da.map_overlap(
        partial(_smooth_chunk, ladder=ladder, rules=rules),
        *arrays,
        depth=depth,
        # dask's "reflect" repeats the edge pixel. Without a border the scene's edge is the array's edge in the chunks
        # that touch it, and there `smooth_block` mirrors it rightly.
        boundary="none",
        dtype=pixels.dtype,
        meta=np.empty((0, 0, 0), pixels.dtype),
    )
    return smoothed


def _close(ours: xr.DataArray, theirs: xr.DataArray) -> bool:
    """Coordinates that differ by less than a hundredth of a pixel are the same."""
    a, b = (np.asarray(axis.values, np.float64) for axis in (ours, theirs))
    pixel = abs(a[-1] - a[0]) / max(1, a.size - 1)
    return bool(np.abs(a - b).max() <= 0.01 * pixel)


def _chunked(array: Any) -> da.Array:
    """Cut an array in memory into chunks, so that each is worked on once and alone."""
    return (
        array
        if isinstance(array, da.Array)
        else da.from_array(array, chunks=(*(-1,) * (array.ndim - 2), _CHUNK, _CHUNK))
    )


def _merge_small_chunks(chunks: tuple[int, ...], halo: int) -> tuple[int, ...]:
    """Merge chunks smaller than the halo with their neighbours; left to itself dask makes the whole axis one chunk."""
    return (sum(chunks),) if sum(chunks) <= halo else tuple(ensure_minimum_chunksize(halo, chunks))


def _smooth_chunk(
    pixels: NDArray[Any],
    saliency: NDArray[np.float32],
    valid: NDArray[np.bool_] | None = None,
    *,
    ladder: Ladder,
    rules: SampleRules,
) -> NDArray[Any]:
    """Smooth one chunk with its halo; arrays are (band, y, x), (1, y, x) and (1, y, x)."""
    alpha = None if rules.alpha is None else pixels[rules.alpha]
    mask = None if valid is None else valid[0]
    counts = mask_out(valid_samples(pixels, rules.nodata), mask, alpha, rules.alpha)
    return smooth_block(pixels, ladder.levels(saliency[0]), counts, ladder, rules)
