"""Files that are not what they should be, and what `verify` says of them; files that would make them so."""

import os
import shutil
import stat
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from cases.frame import case
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

import geosal


@cache
def _pixels(seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(size=(3, 600, 640))
    return np.clip(gaussian_filter(noise, (0, 9, 9)) * 900 + 120, 1, 255).astype(np.uint8)


def _picture(path: Path, seed: int = 0, *, placed: bool = True) -> str:
    profile = {"driver": "GTiff", "count": 3, "height": 600, "width": 640, "dtype": "uint8", "photometric": "RGB"}
    place = {"crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10)} if placed else {}
    with rasterio.open(path, "w", **profile, **place) as dataset:
        dataset.write(_pixels(seed))
    return str(path)


def _passes(output: Path, source: str) -> bool:
    return all(check.ok for check in geosal.verify(str(output), against=source, saliency="half"))


@case("verify-another-scene", "a lossy file of another scene of the same size is found")
def verify_another_scene(folder: Path) -> None:
    ours, other = _picture(folder / "a.tif"), _picture(folder / "b.tif", 1)
    for output, profile in (("o.tif", "jpeg"), ("o.jp2", "jp2")):
        geosal.compress(ours, str(folder / output), saliency="half", profile=profile)
        assert _passes(folder / output, ours)
        assert not _passes(folder / output, other), f"{profile} passes"


@case("verify-without-options", "a file remembers how its scene was read, and which mask was used: no option is needed")
def verify_without_options(folder: Path) -> None:
    scene, mask, output = _picture(folder / "a.tif"), str(folder / "mask.tif"), str(folder / "o.tif")
    with rasterio.open(scene) as dataset, rasterio.open(mask, "w", **dataset.profile | {"count": 1}) as sink:
        sink.write(np.where(dataset.read(1) > 120, 255, 0).astype(np.uint8), 1)
    geosal.compress(scene, output, saliency=mask, bidx=[2, 1], to_byte="percentile:2-98", profile="zstd")
    checks = {check.name: check.ok for check in geosal.verify(output, against=scene)}
    assert all(checks.values()), checks
    assert "smoothed" in checks, "the operator was not run again"


def _edited(folder: Path, **opening: Any) -> tuple[str, Path, Any]:
    scene, output = _picture(folder / "a.tif"), folder / "o.tif"
    geosal.compress(scene, str(output), saliency="half")
    return scene, output, rasterio.open(output, "r+", IGNORE_COG_LAYOUT_BREAK="YES", **opening)


@case("verify-overview", "an overview of another picture is found by what it shows")
def verify_overview(folder: Path) -> None:
    scene, output, dataset = _edited(folder, OVERVIEW_LEVEL=0)
    with dataset:
        dataset.write(np.zeros((3, *dataset.shape), np.uint8))
    found = {check.name for check in geosal.verify(str(output), against=scene, saliency="half") if not check.ok}
    assert "overviews" in found, found


@case("verify-colours", "red and blue that changed places are found")
def verify_colours(folder: Path) -> None:
    scene, output, dataset = _edited(folder)
    with dataset:
        dataset.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    found = {check.name for check in geosal.verify(str(output), against=scene, saliency="half") if not check.ok}
    assert "bands" in found, found


@case("verify-background", "a lossless file whose smoothed part was replaced is found: the operator runs again")
def verify_background(folder: Path) -> None:
    scene, output, dataset = _edited(folder)
    with dataset:
        pixels = dataset.read()
        pixels[:, :, 320:] = 77
        dataset.write(pixels)
    found = {check.name for check in geosal.verify(str(output), against=scene, saliency="half") if not check.ok}
    assert "smoothed" in found, found


@case("verify-new-rpcs", "RPCs that the source has not are found")
def verify_new_rpcs(folder: Path) -> None:
    scene, output, dataset = _edited(folder)
    dataset.close()
    names = ("LINE", "SAMP", "LAT", "LONG", "HEIGHT")
    lines = [f"{name}_{what}: 1" for name in names for what in ("OFF", "SCALE")]
    for name in ("LINE_NUM", "LINE_DEN", "SAMP_NUM", "SAMP_DEN"):
        lines += [f"{name}_COEFF_{number}: 1" for number in range(1, 21)]
    (folder / "o_RPC.TXT").write_text("\n".join(lines) + "\n")
    assert not _passes(output, scene)


@case("world-file-of-another", "a world file beside the name of an output without a place is refused")
def world_file_of_another(folder: Path) -> None:
    scene = _picture(folder / "a.tif", placed=False)
    (folder / "w.tfw").write_text("10\n0\n0\n-10\n500000\n4500000\n")
    try:
        geosal.compress(scene, str(folder / "w.tif"), saliency="half")
    except geosal.OutputError:
        return
    with rasterio.open(folder / "w.tif") as dataset:
        assert dataset.transform.is_identity, f"it lies at {dataset.transform.c:g}, {dataset.transform.f:g}"


@case("overwrite-private", "--overwrite keeps the mode of a private file")
def overwrite_private(folder: Path) -> None:
    scene, output = _picture(folder / "a.tif"), folder / "o.tif"
    geosal.compress(scene, str(output), saliency="half")
    output.chmod(0o600)
    geosal.compress(scene, str(output), saliency="grid", overwrite=True)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600, oct(stat.S_IMODE(output.stat().st_mode))


@case("input-replaced", "a scene that is replaced while it is read ends the job")
def input_replaced(folder: Path) -> None:
    scene, other = _picture(folder / "a.tif"), _picture(folder / "b.tif", 1)
    told: list[object] = []

    def replace(progress: object) -> None:
        if not told:
            os.replace(other, scene)
        told.append(progress)

    try:
        geosal.compress(scene, str(folder / "o.tif"), saliency="half", block=512, workers=1, progress=replace)
    except geosal.SceneError:
        return
    raise AssertionError("one file of two scenes")


@case("mask-replaced", "a mask that is replaced while it is read ends the job")
def mask_replaced(folder: Path) -> None:
    scene, told = _picture(folder / "a.tif"), []
    for name, value in (("mask", 60), ("other", 200)):
        profile = {"driver": "GTiff", "count": 1, "height": 600, "width": 640, "dtype": "uint8", "crs": "EPSG:32631"}
        with rasterio.open(folder / f"{name}.tif", "w", **profile, transform=from_origin(5e5, 45e5, 10, 10)) as file:
            file.write(np.full((1, 600, 640), value, np.uint8))

    def replace(progress: object) -> None:
        if not told:
            os.replace(folder / "other.tif", folder / "mask.tif")
        told.append(progress)

    try:
        geosal.compress(
            scene, str(folder / "o.tif"), saliency=str(folder / "mask.tif"), block=512, workers=1, progress=replace
        )
    except geosal.GeosalError:
        return
    raise AssertionError("one file by two masks")


@case("jp2-rotated-pole", "JPEG 2000 holds a CRS with a rotated pole")
def jp2_rotated_pole(folder: Path) -> None:
    pole = rasterio.CRS.from_user_input("+proj=ob_tran +o_proj=longlat +o_lon_p=-162 +o_lat_p=39.25 +lon_0=180")
    profile = {"driver": "GTiff", "count": 1, "height": 64, "width": 64, "dtype": "uint8", "crs": pole}
    with rasterio.open(folder / "s.tif", "w", **profile, transform=from_origin(-20, 20, 0.5, 0.5)) as dataset:
        dataset.write(np.random.default_rng(0).integers(0, 255, (1, 64, 64), np.uint8))
    geosal.compress(str(folder / "s.tif"), str(folder / "o.jp2"), saliency="half")
    with rasterio.open(folder / "s.tif") as ours, rasterio.open(folder / "o.jp2") as theirs:
        assert ours.crs == theirs.crs, theirs.crs


@case("jp2-south-up", "JPEG 2000 holds south-up scenes, CRS of three dimensions and pixel coordinates")
def jp2_south_up(folder: Path) -> None:
    for crs, transform in (
        ("EPSG:32631", rasterio.Affine(10, 0, 5e5, 0, 10, 45e5)),
        ("EPSG:4979", rasterio.Affine(0.1, 0, 5, 0, -0.1, 45)),
        (None, rasterio.Affine(1, 0, -0.5, 0, 1, -0.5)),
    ):
        profile = {"driver": "GTiff", "count": 1, "height": 64, "width": 64, "dtype": "uint8"}
        with rasterio.open(folder / "s.tif", "w", **profile, crs=crs, transform=transform) as dataset:
            dataset.write(np.random.default_rng(0).integers(0, 255, (1, 64, 64), np.uint8))
        geosal.compress(str(folder / "s.tif"), str(folder / "o.jp2"), saliency="half", overwrite=True)
        with rasterio.open(folder / "o.jp2") as dataset:
            assert dataset.transform.almost_equals(transform, 1e-9), (crs, dataset.transform)
        shutil.rmtree(folder / "o.jp2", ignore_errors=True)


@case("rpcs-of-another", "RPCs of a vendor beside the name of an output are refused")
def rpcs_of_another(folder: Path) -> None:
    scene = _picture(folder / "a.tif")
    names = ("LINE", "SAMP", "LAT", "LONG", "HEIGHT")
    lines = [f"{name}_{what}: 1" for name in names for what in ("OFF", "SCALE")]
    for name in ("LINE_NUM", "LINE_DEN", "SAMP_NUM", "SAMP_DEN"):
        lines += [f"{name}_COEFF_{number}: 1" for number in range(1, 21)]
    (folder / "o_RPC.TXT").write_text("\n".join(lines) + "\n")
    try:
        geosal.compress(scene, str(folder / "o.tif"), saliency="half")
    except geosal.OutputError:
        return
    raise AssertionError("written beside o_RPC.TXT")


def _proven(scene: Path) -> None:
    for name in ("o.tif", "o.jp2"):
        output = scene.with_name(name)
        geosal.compress(str(scene), str(output), saliency="half", overwrite=True)
        wrong = [
            str(check) for check in geosal.verify(str(output), against=str(scene), saliency="half") if not check.ok
        ]
        assert not wrong, f"{scene.name} to {name}: {wrong}"


def _grey(path: Path, driver: str = "GTiff", *, placed: bool = True, **more: Any) -> Path:
    profile = {"driver": driver, "count": 1, "height": 60, "width": 50, "dtype": "uint8", **more}
    place = {"crs": "EPSG:4326", "transform": from_origin(9, 48, 1e-4, 1e-4)} if placed else {}
    with rasterio.open(path, "w", **profile, **place) as dataset:
        dataset.write(np.add.outer(np.arange(60), np.arange(50)).astype(np.uint8)[None])
    return path


@case("verify-nitf", "a good copy of a NITF, whose header has many empty fields, is proven")
def verify_nitf(folder: Path) -> None:
    _proven(_grey(folder / "s.ntf", "NITF", ICORDS="G"))


@case("verify-blank-tags", "tags that are blank, or a control character, are not missed in a good copy")
def verify_blank_tags(folder: Path) -> None:
    scene = _grey(folder / "s.tif")
    with rasterio.open(scene, "r+") as dataset:
        dataset.update_tags(TIFFTAG_SOFTWARE="\x03", TIFFTAG_COPYRIGHT=" ", TIFFTAG_ARTIST="")
    _proven(scene)


@case("verify-endless-resolution", "a resolution of infinity is not missed in a good copy")
def verify_endless_resolution(folder: Path) -> None:
    tags = '<MDI key="TIFFTAG_XRESOLUTION">inf</MDI><MDI key="TIFFTAG_YRESOLUTION">inf</MDI>'
    (folder / "s.png.aux.xml").write_text(f"<PAMDataset><Metadata>{tags}</Metadata></PAMDataset>")
    _proven(_grey(folder / "s.png", "PNG", placed=False))


@case("verify-rpcs-without-errors", "RPCs that say nothing of their errors are not missed in a good copy")
def verify_rpcs_without_errors(folder: Path) -> None:
    scene = _grey(folder / "s.tif", placed=False)
    lines = [f"{name}_{what}: 1" for name in ("LINE", "SAMP", "LAT", "LONG", "HEIGHT") for what in ("OFF", "SCALE")]
    for name in ("LINE_NUM", "LINE_DEN", "SAMP_NUM", "SAMP_DEN"):
        lines += [f"{name}_COEFF_{number}: 1" for number in range(1, 21)]
    (folder / "s_RPC.TXT").write_text("\n".join(lines) + "\n")
    _proven(scene)
