"""What is read: formats that open others, headers in other encodings, pages, places and scales beside the pixels."""

import json
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pyproj
import rasterio
import shapely
import tifffile
import xarray as xr
from cases.frame import case, geosal, refused
from rasterio.transform import from_origin

import geosal as library

PIXELS = np.random.default_rng(0).integers(1, 255, (3, 60, 60), np.uint8)
PLACE = {"crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10)}


def _scene(path: Path, driver: str = "GTiff", count: int = 1, **more: object) -> Path:
    profile = {"driver": driver, "count": count, "height": 60, "width": 60, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile | more) as dataset:
        dataset.write(PIXELS[:count])
    return path


def _warnings(scene: Path, output: Path) -> str:
    """What is warned of while a scene is compressed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        library.compress(str(scene), str(output), saliency="uniform:saliency=1")
    return " ".join(str(one.message) for one in caught)


@case("tsx-opens-others", "a header of TerraSAR-X, which names an image of any format, is not opened unasked")
def tsx_opens_others(folder: Path) -> None:
    _scene(folder / "image.tif")
    (folder / "image.vrt").write_text(
        '<VRTDataset rasterXSize="60" rasterYSize="60"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">image.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        "</VRTRasterBand></VRTDataset>"
    )
    size = "<numberOfRows>60</numberOfRows><numberOfColumns>60</numberOfColumns>"
    (folder / "TSX1_SAR__MGD.xml").write_text(
        '<level1Product><productComponents><imageData layerIndex="1"><polLayer>HH</polLayer><file><location>'
        "<path>.</path><filename>image.vrt</filename></location></file></imageData></productComponents><productInfo>"
        "<missionInfo><mission>TSX-1</mission></missionInfo><productVariantInfo><productVariant>MGD</productVariant>"
        "</productVariantInfo><imageDataInfo><imageDataType>DETECTED</imageDataType><imageRaster>"
        f"{size}</imageRaster></imageDataInfo><sceneInfo></sceneInfo></productInfo></level1Product>"
    )
    refused(geosal("info", folder / "TSX1_SAR__MGD.xml"), 3, "--allow-driver")


@case("names-in-latin-1", "band names of an ENVI header in Latin-1 cost no pixel, and are told")
def names_in_latin_1(folder: Path) -> None:
    scene = _scene(folder / "s.img", "ENVI", 3)
    text = "band names = {\nRot,\nGr\xfcn,\nTemperatur \xb0C}\n"
    header = folder / "s.hdr"
    before = header.read_text(encoding="latin-1").partition("band names")[0]
    header.write_bytes((before + text).encode("latin-1"))
    assert "UTF-8" in _warnings(scene, folder / "o.tif")
    assert geosal("info", scene).returncode == 0
    with rasterio.open(folder / "o.tif") as dataset:
        assert np.array_equal(dataset.read(), PIXELS)


@case("pages-told", "pages of a TIFF that are not read are told")
def pages_told(folder: Path) -> None:
    with tifffile.TiffWriter(folder / "s.tif") as file:
        for page in PIXELS:
            file.write(page, contiguous=False)
    assert "page" in _warnings(folder / "s.tif", folder / "o.tif")


@case("world-file-alone", "a scene whose place is told by a world file alone is not said to have none")
def world_file_alone(folder: Path) -> None:
    scene = _scene(folder / "s.png", "PNG")
    (folder / "s.pgw").write_text("10\n0\n0\n-10\n500000\n4500000\n")
    told = _warnings(scene, folder / "o.tif")
    assert "no georeferencing" not in told, told
    with rasterio.open(folder / "o.tif") as dataset:
        assert dataset.transform.c == 499995


@case("zarr-of-scales", "scales that differ from band to band are told where a Zarr store cannot hold them")
def zarr_of_scales(folder: Path) -> None:
    scene = _scene(folder / "s.tif", count=3, **PLACE)
    with rasterio.open(scene, "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4, 0.0034, 0.01), (0, 149, 0)
    assert "scale" in _warnings(scene, folder / "o.zarr")


@case("one-bit-scene", "a TIFF of one bit is not refused for a palette that it has not")
def one_bit_scene(folder: Path) -> None:
    pixels = (PIXELS[:1] > 100).astype(np.uint8)
    profile = {"driver": "GTiff", "count": 1, "height": 60, "width": 60, "dtype": "uint8", "NBITS": 1, **PLACE}
    with rasterio.open(folder / "s.tif", "w", **profile) as dataset:
        dataset.write(pixels)
    done = geosal("compress", folder / "s.tif", folder / "o.tif", "-s", "half")
    assert done.returncode in {0, 3}, done.stderr
    assert "palette" not in done.stderr, done.stderr[-300:]


@case("array-without-a-crs", "an array without a CRS is written without one")
def array_without_crs(folder: Path) -> None:
    axes = {"y": 45e5 - 5 - 10 * np.arange(60), "x": 5e5 + 5 + 10 * np.arange(60)}
    library.write(xr.DataArray(PIXELS, dims=("band", "y", "x"), coords=axes), str(folder / "o.tif"))
    with rasterio.open(folder / "o.tif") as dataset:
        assert dataset.crs is None, dataset.crs.to_wkt()[:60]


@case("zip-called-safe", "a zip that is called .SAFE is read as the product that it holds, or refused as one")
def zip_called_safe(folder: Path) -> None:
    name = "S2C_MSIL2A_20250826T105641_N0511_R094_T30UYB_20250826T141218.SAFE"
    with zipfile.ZipFile(folder / name, "w") as file:
        file.writestr(f"{name}/MTD_MSIL2A.xml", "<n1:Level-2A_User_Product/>")
    done = geosal("info", folder / name)
    assert "allow-driver" not in done.stderr, done.stderr[-300:]


@case("product-in-tar-gz", "a Landsat product in a .tar.gz is read, or refused with what to do with it")
def product_in_tar_gz(folder: Path) -> None:
    stem = "LC09_L2SP_201024_20230615_20230617_02_T1"
    with tarfile.open(folder / f"{stem}.tar.gz", "w:gz") as file:
        for band in ("SR_B2", "SR_B3", "SR_B4"):
            file.add(_scene(folder / f"{stem}_{band}.TIF", **PLACE), f"{stem}_{band}.TIF")
    done = geosal("info", folder / f"{stem}.tar.gz")
    assert "allow-driver" not in done.stderr, done.stderr[-300:]


@case("codec-not-there", "a TIFF of a codec that this GDAL has not is refused for that")
def codec_not_there(folder: Path) -> None:
    tifffile.imwrite(folder / "s.tif", PIXELS[0])
    with tifffile.TiffFile(folder / "s.tif", mode="r+") as file:
        file.pages[0].tags["Compression"].overwrite(50002)
    done = geosal("compress", folder / "s.tif", folder / "o.tif", "-s", "half")
    refused(done, 3, "compression")
    assert "allow-driver" not in done.stderr, done.stderr[-300:]


def _rpb() -> str:
    """A file of RPCs as vendors lay it beside their images."""
    numbers = "".join(
        f"{name} = {value};\n"
        for name, value in (
            ("errBias", 1), ("errRand", 0.5), ("lineOffset", 30), ("sampOffset", 30), ("latOffset", 40),
            ("longOffset", 3), ("heightOffset", 100), ("lineScale", 30), ("sampScale", 30), ("latScale", 0.1),
            ("longScale", 0.1), ("heightScale", 100),
        )
    )  # fmt: skip
    terms = ", ".join(["1.0", *["0.0"] * 19])
    names = ("lineNumCoef", "lineDenCoef", "sampNumCoef", "sampDenCoef")
    coefficients = "".join(f"{name} = ({terms});\n" for name in names)
    return f'satId = "X";\nBEGIN_GROUP = IMAGE\n{numbers}{coefficients}END_GROUP = IMAGE\nEND;\n'


@case(
    "vendor-files-beside", "an .RPB or .IMD beside the output's name is not taken for its own; the scene's own RPCs are"
)
def vendor_files_beside(folder: Path) -> None:
    scene, output = _scene(folder / "s.tif", **PLACE), folder / "o.tif"
    for name in ("o.RPB", "o.IMD"):
        (folder / name).write_text(_rpb() if name == "o.RPB" else 'version = "R";\nEND;\n')
        refused(geosal("compress", scene, output, "-s", "half"), 5, name, "another name")
        assert not output.exists()
        (folder / name).unlink()
    (folder / "s.RPB").write_text(_rpb())
    done = geosal("compress", scene, output, "-s", "half")
    assert done.returncode == 0, done.stderr
    (folder / "s.RPB").rename(folder / "elsewhere.RPB")
    with rasterio.open(output) as made:
        assert made.rpcs is not None
        assert made.rpcs.lat_off == 40


@case("derived-projected", "a scene in a derived projected CRS keeps it, and features are laid on it where they are")
def derived_projected(folder: Path) -> None:
    base = pyproj.CRS.from_epsg(32631).to_wkt().replace("PROJCRS", "BASEPROJCRS", 1).partition(",CS[Cartesian")[0]
    unit = 'LENGTHUNIT["metre",1]'
    axes = f'CS[Cartesian,2],AXIS["easting (E)",east,{unit}],AXIS["northing (N)",north,{unit}]'
    shift = "".join(
        f',PARAMETER["{name}",{value},{unit if name in ("A0", "B0") else "SCALEUNIT[coefficient,1]"}]'
        for name, value in (("A0", 1000), ("A1", 1), ("A2", 0), ("B0", 0), ("B1", 0), ("B2", 1))
    ).replace("SCALEUNIT[coefficient", 'SCALEUNIT["coefficient"')
    shifted = f'METHOD["Affine parametric transformation",ID["EPSG",9624]]{shift}'
    derived = f'DERIVEDPROJCRS["shifted by a kilometre",{base}],DERIVINGCONVERSION["shift",{shifted}],{axes}]'
    scene = _scene(folder / "s.tif", transform=from_origin(501000, 45e5, 10, 10))
    text = derived.replace("&", "&amp;").replace("<", "&lt;")
    (folder / "s.tif.aux.xml").write_text(f"<PAMDataset><SRS>{text}</SRS></PAMDataset>")
    box = shapely.box(500100, 4499700, 500300, 4499900)  # in the base CRS: rows 10 to 30, columns 10 to 30
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(box)}
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    for name in ("o.tif", "o.jp2"):
        library.compress(str(scene), str(folder / name), saliency="half")
        with rasterio.open(folder / name) as made:
            assert made.crs.to_wkt().startswith("DERIVEDPROJCRS")
    done = geosal("saliency", f"{folder}/a.geojson:crs=EPSG:32631", folder / "m.tif", "--like", scene)
    assert done.returncode == 0, done.stderr
    with rasterio.open(folder / "m.tif") as made:
        found = np.argwhere(made.read(1) == 255)
    assert (found.min(axis=0).tolist(), found.max(axis=0).tolist()) == ([10, 10], [29, 29])
