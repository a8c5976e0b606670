"""Smoothing on arrays: `smooth_block` over a dask array through one `map_overlap`, and its xarray interface."""

from functools import partial
from typing import Any, overload

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geosal.arrays.chunks import merged
from geosal.arrays.forms import as_given, as_series, others_of, spatial_variables
from geosal.arrays.layout import bands_of
from geosal.arrays.saliency import saliency as saliency_like
from geosal.core import provenance
from geosal.core.ladder import Ladder
from geosal.core.raster import alpha_among, conversion_of_array, mask_out, told_nodata, valid_samples
from geosal.errors import SaliencyError, SceneError
from geosal.native.loops import DTYPES
from geosal.smoothing.block import SampleRules, smooth_block

_CHUNK = 2048


@overload
def smooth(scene: xr.DataArray, saliency: object, ladder: Ladder | None = None) -> xr.DataArray: ...
@overload
def smooth(scene: xr.Dataset, saliency: object, ladder: Ladder | None = None) -> xr.Dataset: ...
def smooth(
    scene: xr.DataArray | xr.Dataset, saliency: object, ladder: Ladder | None = None
) -> xr.DataArray | xr.Dataset:
    """Smooth a scene lazily: each pixel by a Gaussian whose width follows its saliency.

    Parameters
    ----------
    scene
        Integer or float, with rows and columns by any of their usual names, and with bands or without. Over other
        dimensions, such as time, it is smoothed step by step. Samples equal to ``scene.rio.nodata``, NaN, infinite, or
        False in a coordinate ``valid`` (y, x) keep their value and lend no weight; a band whose coordinate
        ``colorinterp`` is ``"alpha"`` is carried over. Of a Dataset each variable with rows and columns is smoothed.
    saliency
        In [0, 1] on the scene's grid; 1 keeps a pixel as it is. It may have dimensions of the scene beside rows and
        columns, such as time. Anything else that `geosal.saliency` takes is opened by it.
    ladder
        Saliency to kernel width; the paper's 1, 3 … 17 by default.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
        Lazy, like `scene`, with its coordinates and attributes, and two attributes that note the smoothing.

    Raises
    ------
    SceneError
        `scene` has no rows and columns, or no numbers to average.
    SaliencyError
        `saliency` is not of the scene's shape and place, or of a type that is none of numbers from 0 to 1; when
        computed: a value outside [0, 1] or NaN.

    Examples
    --------
    >>> scene = geosal.open_scene("scene.tif")
    >>> saliency = geosal.saliency("mask.tif", like=scene)
    >>> smooth = geosal.smooth(scene, saliency)  # lazy: nothing is computed yet
    >>> kept = saliency == 1
    >>> bool((smooth.where(kept) == scene.where(kept)).where(kept, True).all())
    True
    """
    if isinstance(scene, xr.Dataset):
        smoothed = {name: smooth(array, saliency, ladder) for name, array in spatial_variables(scene).items()}
        return scene.assign(smoothed)
    return _smoothed(scene, saliency, ladder or Ladder())


def _smoothed(scene: xr.DataArray, saliency: object, ladder: Ladder) -> xr.DataArray:
    ours = as_series(scene)
    if ours.dtype.name not in DTYPES:
        raise SceneError(
            f"samples of {ours.dtype} cannot be smoothed, geosal takes {', '.join(sorted(DTYPES))}; convert them: "
            f"{conversion_of_array(ours.dtype.name)}"
        )
    if not isinstance(saliency, xr.DataArray):
        saliency = saliency_like(saliency, like=scene)
    fitting = _fitting(ours, as_series(saliency))
    stacked = ours if "band" in ours.dims else ours.expand_dims("band", -3)
    colours = bands_of(stacked, "colorinterp", "")
    rules = SampleRules(told_nodata(ours), alpha_among(list(map(str, colours))))
    valid = stacked.coords["valid"].data if "valid" in stacked.coords else None
    smoothed = smooth_dask(_chunked(stacked.data), _chunked(fitting.data), valid, ladder, rules)
    result = ours.copy(data=smoothed if stacked.ndim == ours.ndim else smoothed[..., 0, :, :])
    result.attrs |= provenance.of_smoothing(ladder, str(saliency.attrs.get("source", "an array")))
    result.encoding = dict(ours.encoding)
    return as_given(result, scene)


def _fitting(scene: xr.DataArray, saliency: xr.DataArray) -> xr.DataArray:
    """Bring a saliency to (…, y, x), with the dimensions before those that the scene has before its bands.

    Raises
    ------
    SaliencyError
        It has another shape or place, or no numbers from 0 to 1.
    """
    if "band" in saliency.dims and saliency.sizes["band"] == 1:
        saliency = saliency.isel(band=0)
    others = others_of(scene)
    if saliency.shape[-2:] != scene.shape[-2:] or not {*saliency.dims} <= {*others, "y", "x"}:
        raise SaliencyError(
            f"saliency {dict(saliency.sizes)} for a scene {dict(scene.sizes)}; "
            "it needs (y, x) on the same grid: geosal.saliency(..., like=scene)"
        )
    if saliency.dtype.kind not in "fb":
        raise SaliencyError(
            f"saliency of {saliency.dtype}: it is a number from 0 to 1, and 0 to 255 of a mask means another thing; "
            "divide it, or let it be read as a mask: geosal.saliency(mask, like=scene)"
        )
    for axis in ("y", "x"):
        if axis in scene.coords and axis in saliency.coords and not _close(scene[axis], saliency[axis]):
            raise SaliencyError(
                f"saliency and scene begin at {axis}={saliency[axis].values[0]!s} and {scene[axis].values[0]!s}; "
                "it needs the scene's grid: geosal.saliency(..., like=scene)"
            )
    for name in set(saliency.dims) - {"y", "x"}:
        if saliency.sizes[name] != scene.sizes[name]:
            raise SaliencyError(
                f"saliency has {saliency.sizes[name]} steps of {name}, the scene {scene.sizes[name]}; choose those of "
                f"the scene: saliency.sel({name}=scene.{name})"
            )
    missing = [name for name in others if name not in saliency.dims]
    plain = saliency.drop_vars([name for name in missing if name in saliency.coords])
    return plain.expand_dims(missing).transpose(*others, "y", "x") if others else plain


def smooth_dask(
    pixels: da.Array, saliency: da.Array, valid: da.Array | None, ladder: Ladder, rules: SampleRules
) -> da.Array:
    """Wire `smooth_block` over chunks with halos of the widest kernel.

    Parameters
    ----------
    pixels
        (…, band, y, x), any chunks; small ones are merged until the halo fits.
    saliency
        (…, y, x) in [0, 1], of as many steps as `pixels` or one along each axis before.
    valid
        (y, x) bool, or None when only nodata and NaN are invalid.
    ladder, rules
        See `smooth_block`.
    """
    y, x = (merged(chunks, ladder.halo) for chunks in pixels.chunks[-2:])
    # An axis of one chunk has no neighbours, so it may be shorter than the halo.
    depths = (ladder.halo if len(y) > 1 else 0, ladder.halo if len(x) > 1 else 0)
    before = pixels.ndim - 3
    depth = dict(enumerate((*(0,) * (before + 1), *depths)))
    steps = dict(enumerate(pixels.chunks[:before]))
    cut = {before + 1: y, before + 2: x}
    arrays = [pixels.rechunk({before: -1, **cut}), _by_steps(saliency, steps)[..., None, :, :].rechunk(cut)]
    if valid is not None:
        arrays.append(da.asarray(valid).rechunk((y, x))[(None,) * (before + 1)])
    smoothed: da.Array = da.map_overlap(
        partial(_smooth_chunk, ladder=ladder, rules=rules),
        *arrays,
        depth=depth,
        # dask's "reflect" repeats the edge pixel. Without a border the scene's edge is the array's edge in the chunks
        # that touch it, and there `smooth_block` mirrors it rightly.
        boundary="none",
        dtype=pixels.dtype,
        meta=np.empty((0,) * pixels.ndim, pixels.dtype),
        token="geosal-smooth",
    )
    return smoothed


def _by_steps(saliency: da.Array, steps: dict[int, tuple[int, ...]]) -> da.Array:
    """The saliency with chunks of the scene along the axes in which it changes."""
    alike: da.Array = saliency.rechunk({axis: chunks for axis, chunks in steps.items() if saliency.shape[axis] > 1})
    return alike


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


def _smooth_chunk(
    pixels: NDArray[Any],
    saliency: NDArray[np.float32],
    valid: NDArray[np.bool_] | None = None,
    *,
    ladder: Ladder,
    rules: SampleRules,
) -> NDArray[Any]:
    """Smooth one chunk with its halo; arrays are (…, band, y, x), (…, 1, y, x) and (…, 1, y, x)."""
    steps = pixels.shape[:-3]
    if steps:
        smoothed = np.empty_like(pixels)
        levels = np.broadcast_to(saliency, (*steps, *saliency.shape[-3:]))
        mask = None if valid is None else valid.reshape(valid.shape[-3:])
        for step in np.ndindex(steps):
            smoothed[step] = _smooth_chunk(pixels[step], levels[step], mask, ladder=ladder, rules=rules)
        return smoothed
    alpha = None if rules.alpha is None else pixels[rules.alpha]
    mask = None if valid is None else valid[0]
    counts = mask_out(valid_samples(pixels, rules.nodata), mask, alpha, rules.alpha)
    return smooth_block(pixels, ladder.levels(saliency[0]), counts, ladder, rules)
