"""Random combinations, verified by readers that are not ours: ``python tests/cases/combinations.py -n 2000 --seed 0``.

Prints a line for each fault, with the seed that makes it again (``-n 1 --seed SEED``), and a summary. Any ``--seed``
goes on where another run ended.
"""

import argparse
import collections
import contextlib
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import rasterio
import tifffile
from cases.drawing import Draw, Scene, draw, make
from numpy.typing import NDArray
from oracle import smooth_reference
from rasterio.enums import MaskFlags
from rasterio.transform import from_origin

import geosal

_EARLY = {2, 3, 4}
"""Exit codes of refusals in the plan."""
_PLACE = from_origin(5e5, 45e5, 10, 10)
_CROP = 40
_SIDECARS = ("", ".aux.xml", ".msk")
_LOSSY = {"JPEG", "WEBP"}
"""Codecs whose decoders differ by a rounding."""
_FIRST_OF_GEOTIFF = 33549
"""Codes of GeoTIFF's and GDAL's own tags are larger."""
_LEAST_PSNR = 17.0
"""Of any lossy file that is not nonsense."""


class Fault(AssertionError):  # noqa: N818  it is no error of this script
    """What came is not what is right."""


def _second_opinion(path: Path, pixels: NDArray[Any]) -> None:
    """See that a reader that is not built on libtiff finds the same samples, where the codec leaves it no choice."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        # tifffile does not look at LERC's own mask, which stands for NaN.
        if page.compression.name in _LOSSY or (page.compression.name == "LERC" and pixels.dtype.kind == "f"):
            return
        found = page.asarray()
    planes = found[np.newaxis] if found.ndim == 2 else found if page.planarconfig == 2 else np.moveaxis(found, -1, 0)
    if planes.shape != pixels.shape or not np.array_equal(planes, pixels, equal_nan=pixels.dtype.kind == "f"):
        raise Fault("tifffile reads other samples than GDAL")


def _is_jxl(path: Path) -> bool:
    with tifffile.TiffFile(path) as tiff:
        return bool(tiff.pages[0].compression == tifffile.COMPRESSION.JPEGXL)


def _inflated(path: Path, folder: Path) -> Path:
    """Make a copy of a TIFF in JPEG XL without compression, which any GDAL opens, by tifffile alone."""
    copy = folder / path.name
    with tifffile.TiffFile(path) as tiff, tifffile.TiffWriter(copy) as writer:
        image = tiff.pages[0]
        told = [(tag.code, tag.dtype, tag.count, tag.value, True) for tag in image.tags if tag.code > _FIRST_OF_GEOTIFF]
        extra = [int(each) for each in image.extrasamples]
        writer.write(image.asarray(), extratags=told, photometric=image.photometric, extrasamples=extra, metadata=None)
        for page in tiff.pages:
            if page.is_mask and page.shape[:2] == image.shape[:2]:
                writer.write(page.asarray(), subfiletype=4, photometric="mask", metadata=None)
    return copy


class Output:
    """What an independent reader finds in an output."""

    def __init__(self, path: Path, alpha: int | None) -> None:
        self.pixels, self.valid = _store(path, alpha) if path.suffix == ".zarr" else self._raster(path)

    def _raster(self, path: Path) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        with contextlib.ExitStack() as stack:
            if path.suffix == ".tif" and _is_jxl(path):
                path = _inflated(path, Path(stack.enter_context(tempfile.TemporaryDirectory())))
            return self._read(stack.enter_context(rasterio.open(path)), path)

    def _read(self, dataset: rasterio.DatasetReader, path: Path) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        pixels = dataset.read()
        valid = _valid_samples(pixels, dataset.nodata)
        flags = dataset.mask_flag_enums[0]
        if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
            valid &= dataset.read_masks(1) > 0
        for number, colour in enumerate(dataset.colorinterp):
            if colour.name == "alpha":
                valid &= pixels[number] > 0
        _same("CRS", dataset.crs.to_epsg(), 32631)
        _same("transform", tuple(dataset.transform), tuple(_PLACE))
        self.names: tuple[str | None, ...] | None = dataset.descriptions
        if dataset.driver == "GTiff":
            _second_opinion(path, pixels)
        return pixels, valid


def _store(path: Path, alpha: int | None) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    import xarray as xr

    with xr.open_zarr(path, mask_and_scale=False, consolidated=False) as store:
        pixels = store["image"].values
        valid = _valid_samples(pixels, {**store["image"].encoding, **store["image"].attrs}.get("_FillValue"))
        if "mask" in store:
            valid &= store["mask"].values > 0
        if alpha is not None:
            valid &= pixels[alpha] > 0
        _same("x", float(store["x"][0]), 5e5 + 5)
        _same("y", float(store["y"][0]), 45e5 - 5)
        return pixels, valid


def _valid_samples(pixels: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    valid = np.ones(pixels.shape, np.bool_) if pixels.dtype.kind != "f" else ~np.isnan(pixels)
    return valid if nodata is None or np.isnan(nodata) else valid & (pixels != nodata)


def _same(what: str, found: object, due: object) -> None:
    if found != due:
        raise Fault(f"{what}: {found}, not {due}")


def try_one(seed: int, folder: Path) -> str:
    """Do one combination in an empty folder; tells "done" or why it was refused.

    Raises
    ------
    Fault
        It came out wrong.
    """
    found = draw(seed)
    scene = make(found, folder)
    before, output = set(folder.iterdir()), folder / f"out{found.suffix}"
    stages: list[object] = []
    try:
        _job(found, scene, output, stages)
    except geosal.GeosalError as error:
        return _refused(error, stages, set(folder.iterdir()) - before)
    except Exception as error:
        raise Fault(f"unexpected {type(error).__name__}: {error}") from error
    left = set(folder.iterdir()) - before - {output.with_name(output.name + more) for more in _SIDECARS}
    _same("left in the folder", {path.name for path in left} - {"out.jgw"}, set())
    verify(found, scene, output)
    return "done"


def _job(found: Draw, scene: Scene, output: Path, stages: list[object]) -> None:
    wish = dict(found.wish)
    if not found.by_arrays:
        geosal.compress(scene.path, str(output), progress=stages.append, **wish)
        return
    source = wish.pop("saliency")
    bands, rule = list(wish.pop("bidx", ())) or None, wish.pop("to_byte", None)
    opened = geosal.open_scene(scene.path, bands=bands, chunks=found.chunks, to_byte=rule)
    smooth = geosal.smooth(opened, geosal.saliency(source, like=opened))
    geosal.write(smooth, str(output), progress=stages.append, **wish)


def _refused(error: geosal.GeosalError, stages: list[object], left: set[Path]) -> str:
    _same("left in the folder", {path.name for path in left}, set())
    if type(error).__name__ == "TargetError":
        return "missed"
    if stages or error.exit_code not in _EARLY:
        raise Fault(f"refused late, exit {error.exit_code}: {error}")
    return "refused"


def verify(found: Draw, scene: Scene, path: Path) -> None:
    """Hold a finished output to what is true of its scene.

    Raises
    ------
    Fault
        They differ.
    """
    output, taken = Output(path, found.alpha_taken), found.taken
    pixels, valid, colours = (
        scene.pixels[taken],
        scene.valid[taken],
        [n for n in range(len(taken)) if n != found.alpha_taken],
    )
    if "to_byte" in found.wish:
        pixels = _in_bytes(found, scene)
    if found.alpha_becomes_mask:
        taken, pixels, valid = taken[:-1], pixels[colours], valid[colours]
        colours = colours[: len(taken)]
    _same("dtype", str(output.pixels.dtype), str(pixels.dtype))
    _same("shape", output.pixels.shape, pixels.shape)
    if getattr(output, "names", None) is not None:
        _same("descriptions", output.names, tuple(f"band {number}" for number in taken))
    if not colours:
        return
    lossless = _is_lossless(found)
    _same_validity(valid[colours], output.valid[colours], by_sample=lossless and "to_byte" not in found.wish)
    if found.alpha_taken is not None and not found.alpha_becomes_mask:
        _equal("alpha", output.pixels[found.alpha_taken], pixels[found.alpha_taken])
    data, due, counts = output.pixels[colours], pixels[colours], valid[colours]
    if lossless:
        _exact(found, scene, data, due, counts)
    elif counts.any():
        _near(found, data, due, counts & (scene.levels == 0))
    if "target_size" in found.wish and path.is_file() and path.stat().st_size > found.wish["target_size"]:
        raise Fault(f"{path.stat().st_size} bytes, more than {found.wish['target_size']}")


def _in_bytes(found: Draw, scene: Scene) -> NDArray[Any]:
    bands = list(found.wish.get("bidx", ())) or None
    return np.asarray(geosal.open_scene(scene.path, bands=bands, to_byte=found.wish["to_byte"]).values)


def _is_lossless(found: Draw) -> bool:
    treatment = " ".join(found.wish.get("treatment", ()))
    losing = found.suffix == ".jpg" or found.wish.get("profile") in {"jpeg", "webp", "jp2"}
    turned = found.wish.get("profile") == "lerc" and found.has_target
    return not (
        losing or turned or "quality" in treatment or ("bound" in treatment and found.wish.get("profile") == "lerc")
    )


def _same_validity(due: NDArray[np.bool_], found: NDArray[np.bool_], *, by_sample: bool) -> None:
    if not by_sample:
        due, found = due.any(axis=0), found.any(axis=0)
    if (wrong := int((due != found).sum())) > 0:
        raise Fault(f"validity of {wrong} differs: {int((~due).sum())} invalid before, {int((~found).sum())} after")


def _equal(what: str, data: NDArray[Any], due: NDArray[Any]) -> None:
    nan = np.isnan(data.astype(float)) & np.isnan(due.astype(float))
    same = (data == due) | nan
    if not same.all():
        raise Fault(f"{what}: {int((~same).sum())} of {due.size} samples differ")


def _exact(found: Draw, scene: Scene, data: NDArray[Any], due: NDArray[Any], counts: NDArray[np.bool_]) -> None:
    """What is salient or counts not is as it was; the rest lies near the oracle."""
    keeps = (scene.levels == 0) | ~counts
    if "to_byte" not in found.wish:
        _equal("invalid samples", data[~counts], due[~counts])
    _equal("salient samples", data[keeps & counts], due[keeps & counts])
    treatment = found.wish.get("treatment", ("smooth",))
    if "smooth" in treatment and not found.has_target:
        bound = _bound(treatment)
        if "treatment" not in found.wish and due.dtype.itemsize > 1 and counts.any():
            # By default samples are rounded by an eighth of what smoothing takes, of the band that can spare the least.
            bound = min(float(np.std(band[which].astype(float))) / 8 for band, which in zip(due, counts, strict=True))
        _near_oracle(found, scene, data, due, counts, bound)
    elif "smooth" not in treatment and counts.any() and not found.has_target:
        bounds = _bound(treatment) * scene.levels / found.steps
        over = np.abs(data.astype(float) - due.astype(float)) - (bounds if due.dtype.kind == "f" else np.floor(bounds))
        if (worst := over[counts].max()) > (1e-9 if due.dtype.kind != "f" else 1e-6 * float(np.abs(due[counts]).max())):
            raise Fault(f"an error of {worst:g} over the bound")


def _bound(treatment: Iterable[str]) -> float:
    """Tell the largest error that a treatment allows where nothing matters."""
    return max((float(text.partition("error=")[2]) for text in treatment if text.startswith("bound:")), default=0)


def _near_oracle(
    found: Draw, scene: Scene, data: NDArray[Any], due: NDArray[Any], counts: NDArray[np.bool_], bound: float
) -> None:
    random = np.random.default_rng([found.seed, 2])
    band, rows, cols = int(random.integers(0, len(due))), *found.shape
    rooms = max(0, rows - _CROP), max(0, cols - _CROP)
    top, left = (int(random.choice([0, room, random.integers(0, max(1, room))])) for room in rooms)
    halo = int(scene.levels.max())
    outer = [slice(max(0, at - halo), min(length, at + _CROP + halo)) for at, length in ((top, rows), (left, cols))]
    inner = tuple(slice(at - out.start, at - out.start + _CROP) for at, out in zip((top, left), outer, strict=True))
    here = tuple(slice(at, at + _CROP) for at in (top, left))
    wanted = smooth_reference(due[band][tuple(outer)], scene.levels[tuple(outer)], counts[band][tuple(outer)])[inner]
    which = counts[band][here]
    if not which.any():
        return
    values = due[band][counts[band]].astype(float)
    spread = float(values.max() - values.min())
    allowed = 1e-5 * spread + (0 if due.dtype.kind == "f" else 2) + bound
    off = np.abs(data[band][here].astype(float) - wanted)[which].max()
    if off > allowed:
        raise Fault(f"smoothed samples are {off:g} off the oracle, {allowed:g} allowed")


def _near(found: Draw, data: NDArray[Any], due: NDArray[Any], salient: NDArray[np.bool_]) -> None:
    if int(salient.sum()) < 500 or found.has_target:
        return
    error = data[salient].astype(float) - due[salient].astype(float)
    spread = 255.0 if due.dtype == np.uint8 else max(1.0, float(due[salient].max()) - float(due[salient].min()))
    psnr = 10 * np.log10(spread**2 / max(1e-9, float((error**2).mean())))
    if psnr < _LEAST_PSNR:
        raise Fault(f"salient samples have {psnr:.1f} dB")


def run(seeds: Iterator[int]) -> Iterator[tuple[int, str, Fault | None]]:
    """Do combinations one after the other; tells the seed, the outcome and the fault of each."""
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                yield seed, try_one(seed, Path(folder)), None
            except Fault as fault:
                yield seed, "fault", fault


def main() -> None:
    """Run and print; exit code 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of the first; the next ones count on")
    options = parser.parse_args()
    outcomes: collections.Counter[str] = collections.Counter()
    began = time.monotonic()
    for seed, outcome, fault in run(iter(range(options.seed, options.seed + options.n))):
        outcomes[outcome] += 1
        if fault is not None:
            sys.stdout.write(f"seed {seed}: {' '.join(str(fault).split())[:230]} | {draw(seed)}\n")
            sys.stdout.flush()
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    sys.stdout.write(f"{options.n} combinations from seed {options.seed}: {told}; {time.monotonic() - began:.0f} s\n")
    sys.exit(outcomes["fault"] > 0)


if __name__ == "__main__":
    main()
