"""Run the checks: all of them for the command, the quick ones for the end of a job."""

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from geosal.core import provenance
from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Grid
from geosal.core.ladder import Ladder
from geosal.core.open_raster import open_raster
from geosal.core.raster import RasterLayout
from geosal.core.shared_raster import close_shared_rasters
from geosal.core.stand_in import roughly
from geosal.core.treatment import BEST, SMOOTH, Bound, Quality
from geosal.errors import GeosalError, GeosalWarning, SceneError, VerificationError
from geosal.formats.finished import Finished
from geosal.formats.table import FORMATS, format_read_by
from geosal.formats.zarr import check as store
from geosal.scenes import NO_LIMIT, AnyScene, Scene
from geosal.scenes.zarr_store import ZarrScene, is_store
from geosal.sizes import counted
from geosal.sources import Saliency
from geosal.stac.digests import has_item, item_faults
from geosal.verification import carried, likeness, pixels, stores
from geosal.verification.check import Check, Checks, raise_if_failed
from geosal.verification.sealed import Pinned, as_rewritten, check_seal

_BY_GDAL = [form.name for form in FORMATS if not form.is_store]
"""Names of the formats that GDAL reads for us."""
_WHOLLY = ("opens", "readable")
"""Checks without which there are no others."""
_LISTED = 3
"""Number of faults of one kind that are listed."""


def verify_opened(
    output: str,
    source: AnyScene | None = None,
    saliency: Saliency | None = None,
    *,
    ladder: Ladder | None = None,
    steps: int | None = None,
    lacking: str = "",
    pinned: Pinned | None = None,
) -> Checks:
    """Check everything that can be checked about a finished file; `geosal.verify` opens the scene that it was made of.

    Parameters
    ----------
    output
        The file.
    source
        The scene, read as the job read it; without it, what the file alone shows is checked.
    saliency
        The job's saliency on that scene.
    ladder, steps
        As `geosal.verify`.
    lacking
        Why there is no saliency, for the check that cannot be made.
    pinned
        A seal to hold the file against, and its root.

    Returns
    -------
    Checks
        A tuple of them, in the order they were made.
    """
    with gdal_env():
        try:
            told = _Told(ladder, steps, pinned or Pinned())
            checks = Checks(as_rewritten(list(_checks(output, source, saliency, told))))
        finally:
            close_shared_rasters()
    if any(check.name in _WHOLLY and not check.ok for check in checks):
        return checks
    if source is None and (sealed := checks.get("sealed")) is not None and sealed.checked:
        why = "the seal is of samples; name the scene to compare place, nodata and tags: --against"
        return Checks((*checks, Check.skip("scene", why, promised=False)))
    if source is None:
        return Checks((*checks, Check.skip("scene", "name the scene that the file was made of: --against")))
    if saliency is None:
        return Checks(
            (
                *checks,
                Check.skip(
                    "salient", lacking or "no saliency is named, and the file tells none; name it: --saliency SOURCE"
                ),
            )
        )
    return checks


def verify_structure(path: str | Path, layout: RasterLayout, name: str | None = None) -> None:
    """Check a file that was just written, without decoding all of it, except a JPEG, whose blocks are linked.

    Parameters
    ----------
    path
        The file, perhaps under a temporary name.
    layout
        What was to be written.
    name
        Name of the file in messages; its path when None.

    Raises
    ------
    VerificationError
        The file differs from what was to be written.
    """
    with gdal_env():
        try:
            if is_store(path):
                raise_if_failed([Check.of("structure", stores.structure_faults(str(path), layout))], str(name or path))
                return
            with roughly(), open_raster(str(path)) as dataset:
                faults = list(_structure_faults(str(path), dataset, layout))
        except SceneError as error:
            cause = str(error).replace(str(path), "the file just written")
            raise VerificationError(f"{name or path}: cannot be read back ({cause}); write it again") from error
    raise_if_failed([Check.of("structure", faults)], str(name or path))


@dataclass(frozen=True, slots=True)
class _Told:
    """The user's values for the ladder."""

    ladder: Ladder | None
    steps: int | None
    pinned: Pinned
    """And for the seal."""

    def ladder_of(self, found: AnyScene) -> Ladder:
        """Return the ladder of a file's job: the user's, or that of its provenance, or the default."""
        usual = Ladder() if self.steps is None else Ladder(steps=self.steps)
        return self.ladder or provenance.read_ladder(_tags(found)) or usual

    def check(self, found: AnyScene) -> Check | None:
        """Check that the user's steps are the file's; None where one of them is unknown."""
        tagged = provenance.read_ladder(_tags(found))
        if tagged is None or self.steps is None:
            return None
        faults = [] if tagged.steps == self.steps else [f"it was made with steps={tagged.steps}, not {self.steps}"]
        return Check.of("ladder", faults, f"steps={self.steps}, as the file says")


def _checks(output: str, source: AnyScene | None, saliency: Saliency | None, ladder: _Told) -> Iterator[Check]:
    if is_store(output):
        yield from _store_checks(output, source, saliency, ladder)
        return
    try:
        dataset = open_raster(output)
    except SceneError as error:
        yield Check("opens", ok=False, detail=str(error))
        return
    with dataset:
        form = format_read_by(dataset.driver)
        if form is None:
            *first, last = (*_BY_GDAL, *(each.name for each in FORMATS if each.is_store))
            written = f"{', '.join(first)} and {last}"
            yield Check("opens", ok=False, detail=f"is {dataset.driver}; geosal writes {written}")
            return
        yield Check("opens", ok=True, detail=form.name)
        finished = form.finished
        faults = finished.complete_faults(output, dataset)[:_LISTED]
        complete = Check.of("complete", faults, f"every {finished.coded_unit} decodes")
        yield complete
        yield Check.of("layout", finished.layout_faults(output, dataset), finished.valid)
        lossless = _is_lossless(dataset, finished)
        if complete.ok and finished.overviews_apart:
            overviews = likeness.check_overviews(dataset, finished)
            yield from [] if overviews is None else [overviews]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeosalWarning)
            found = Scene.open(output, max_pixels=NO_LIMIT)
    except GeosalError as error:
        yield Check("readable", ok=False, detail=str(error))
        return
    beside = finished.beside_faults(output, found.layout, source.layout if source else None)
    if beside is not None:
        yield Check.of("sidecar", beside, "there")
    yield from _comparisons(found, source, saliency, ladder, lossless=lossless, complete=complete.ok)


def _store_checks(output: str, source: AnyScene | None, saliency: Saliency | None, ladder: _Told) -> Iterator[Check]:
    try:
        found = ZarrScene.open_store(output)
    except SceneError as error:
        yield Check("opens", ok=False, detail=str(error))
        return
    yield Check("opens", ok=True, detail="Zarr")
    complete = Check.of("complete", store.complete_faults(output), "every chunk decodes")
    yield complete
    yield Check.of("layout", store.layout_faults(output), "metadata consistent, multiscales down to one chunk")
    yield from _comparisons(found, source, saliency, ladder, lossless=True, complete=complete.ok)


def _comparisons(
    found: AnyScene,
    source: AnyScene | None,
    saliency: Saliency | None,
    ladder: _Told,
    *,
    lossless: bool,
    complete: bool,
) -> Iterator[Check]:
    yield carried.check_provenance(found.layout.metadata)
    if has_item(found.path):
        fine = "its sizes, digests and treatment are those of the file"
        yield Check.of("item", item_faults(found.path, _tags(found)), fine)
    if (told := ladder.check(found)) is not None:
        yield told
    if complete:
        yield from check_seal(found, ladder.pinned)
    if source is None:
        return
    yield from _carried_checks(found, source, lossless=lossless)
    if not complete:
        yield Check.skip("pixels", "not all of the file decodes")
    else:
        yield from _pixel_checks(found, source, saliency, ladder.ladder_of(found), lossless=lossless)


def _carried_checks(found: AnyScene, source: AnyScene, *, lossless: bool) -> Iterator[Check]:
    yield carried.check_grid(found.layout, source.layout)
    finished = _finished(found)
    yield carried.check_bands(found.layout, source.layout, finished, lossless=lossless)
    yield carried.check_tags(found.layout.metadata, source.layout.metadata, finished)


def _finished(found: AnyScene) -> Finished:
    form = format_read_by(found.driver)
    if form is None:
        raise ValueError(f"{found.driver} is no driver of ours")
    return form.finished


def _pixel_checks(
    found: AnyScene, source: AnyScene, saliency: Saliency | None, ladder: Ladder, *, lossless: bool
) -> Iterator[Check]:
    alike = (found.grid.shape, found.layout.dtype) == (source.grid.shape, source.layout.dtype)
    same_bands = found.layout.count == source.layout.count
    if not alike or not (same_bands or carried.alpha_became_mask(found.layout, source.layout)):
        yield Check("pixels", ok=False, detail="cannot be compared: another size, type or number of bands")
    elif saliency is not None and saliency.grid.shape != source.grid.shape:
        yield Check("pixels", ok=False, detail="cannot be compared: the saliency lies on another grid")
    else:
        try:
            if lossless and same_bands:
                made_with = provenance.read_saliency(_tags(found))
                for check in pixels.check_pixels(found, source, saliency, ladder):
                    known = check.ok or saliency is None or made_with is None or saliency.is_labelled(made_with)
                    yield check if known else replace(check, detail=f"{check.detail}; it was made with {made_with}")
            elif found.layout.has_mask or found.layout.alpha is not None:
                yield pixels.check_validity(found, source)
            if not lossless:
                yield likeness.check_picture(found, source, _finished(found), ladder)
            if source.layout.has_mask and found.layout.has_mask and (lossless or source.layout.nodata is None):
                yield pixels.check_mask(found, source)
            if saliency is not None:
                yield from _promise_checks(found, source, saliency, ladder, lossless=lossless)
        except SceneError as error:
            yield Check("pixels", ok=False, detail=str(error))


def _promise_checks(
    found: AnyScene, source: AnyScene, saliency: Saliency, ladder: Ladder, *, lossless: bool
) -> Iterator[Check]:
    """Check what the treatment promises about pixels, beyond `check_pixels`."""
    treatment = provenance.read_treatment(_tags(found)) or SMOOTH
    then = treatment.then
    if isinstance(then, Bound):
        errors = then.errors(ladder.steps, source.layout.dtype)
        checks = pixels.check_errors(found, source, saliency, ladder, errors, smoothed=treatment.smooth)
        if not lossless:
            yield checks["salient"]
        yield checks["bound"]
    elif isinstance(then, Quality) and then.high == BEST and _best_is_lossless(found.path):
        errors = (0.0, *[math.inf] * ladder.steps)
        yield pixels.check_errors(found, source, saliency, ladder, errors, smoothed=False)["salient"]
    elif not lossless and (largest := _largest_error(found)) is not None:
        errors = (largest, *[math.inf] * ladder.steps)
        check = pixels.check_errors(found, source, saliency, ladder, errors, smoothed=False)["salient"]
        fine = f"no valid sample of saliency 1 is off by more than MAX_Z_ERROR={largest:g}"
        yield replace(check, detail=fine if check.ok else f"{check.detail}, by more than MAX_Z_ERROR={largest:g}")
    elif not lossless:
        why = "the codec is lossy; geosal compare tells how far each part is from the scene"
        yield Check.skip("salient", why, promised=False)
    elif treatment == SMOOTH:
        yield _operator_check(found, source, saliency, ladder)


def _tags(found: AnyScene) -> Mapping[str, str]:
    """Return the tags of the default domain."""
    return found.layout.metadata.tags.get("", {})


def _operator_check(found: AnyScene, source: AnyScene, saliency: Saliency, ladder: Ladder) -> Check:
    """Smooth the source again, all of it: the operator is exact, so a lossless file holds just that."""
    made_with = provenance.read_saliency(_tags(found)) or ""
    if provenance.read_ladder(_tags(found)) is None or not saliency.is_labelled(made_with):
        return Check.skip("smoothed", "the file was made with another saliency, or says none")
    return pixels.check_operator(found, source, saliency, ladder)


def _best_is_lossless(path: str) -> bool:
    """Return whether tiles of quality 100 keep every sample."""
    with open_raster(path) as dataset:
        form = format_read_by(dataset.driver)
        return form is not None and form.finished.best_is_lossless(dataset.tags(ns="IMAGE_STRUCTURE"))


def _largest_error(found: AnyScene) -> float | None:
    """Return LERC's largest error for integers; None for other codecs, and for floats, which are rounded too."""
    if np.dtype(found.layout.dtype).kind == "f" or is_store(found.path):
        return None
    with open_raster(found.path) as dataset:
        structure: dict[str, str] = dataset.tags(ns="IMAGE_STRUCTURE")
        lerc = structure.get("COMPRESSION", "").lower().startswith("lerc")
        return float(structure["MAX_Z_ERROR"]) if lerc and "MAX_Z_ERROR" in structure else None


def _is_lossless(dataset: DatasetReader, finished: Finished) -> bool:
    """Return whether the codec of the file keeps every sample, from the file itself."""
    treatment = provenance.read_treatment(dataset.tags()) or SMOOTH
    if isinstance(treatment.then, Quality):
        return False
    return finished.holds_every_sample(dataset.tags(ns="IMAGE_STRUCTURE"), treatment)


def _structure_faults(path: str, dataset: DatasetReader, layout: RasterLayout) -> Iterator[str]:
    form = format_read_by(dataset.driver)
    if form is None:
        *first, last = _BY_GDAL
        yield f"is {dataset.driver}, not {', '.join(first)} or {last}"
        return
    yield from carried.grid_faults(
        Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width), layout.grid
    )
    expected = layout.count
    if layout.alpha is not None and "JPEG" in dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", ""):
        expected -= 1  # GDAL turns alpha into a mask there
    if dataset.count != expected:
        yield f"{counted(dataset.count, 'band')}, not {expected}"
    if set(dataset.dtypes) != {layout.dtype}:
        yield f"dtype {', '.join(sorted(set(dataset.dtypes)))}, not {layout.dtype}"
    if not carried.same_nodata(dataset.nodata, layout.nodata):
        yield f"nodata {dataset.nodata}, not {layout.nodata}"
    if layout.has_mask and MaskFlags.per_dataset not in dataset.mask_flag_enums[0]:
        yield "the mask is lost"
    yield from form.finished.quick_faults(path, dataset, layout)
