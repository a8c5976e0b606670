"""Small products made at run time, with the names and metadata that the agencies give theirs."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

SIZE = {10: 120, 20: 60, 60: 20}
NATIVE = {"B01": 60, "B02": 10, "B03": 10, "B04": 10, "B05": 20, "B06": 20, "B07": 20, "B08": 10, "B8A": 20, "B09": 60,
          "B10": 60, "B11": 20, "B12": 20}  # fmt: skip
L2A = {
    10: ("B02", "B03", "B04", "B08", "AOT", "WVP", "TCI"),
    20: ("B02", "B04", "B05", "B11", "B12", "SCL"),
    60: ("B01",),
}
TILE = """<n1:Level-{level}_Tile_ID xmlns:n1="https://x/PSD"><n1:General_Info><TILE_ID>S2B_OPER_MSI_L{level}_TL_N04.00</TILE_ID>
<SENSING_TIME>2022-03-01T10:20:30.461Z</SENSING_TIME></n1:General_Info><n1:Geometric_Info><Tile_Geocoding>
<HORIZONTAL_CS_CODE>EPSG:32632</HORIZONTAL_CS_CODE>
{sizes}</Tile_Geocoding><Tile_Angles><Mean_Sun_Angle><ZENITH_ANGLE unit="deg">59.5</ZENITH_ANGLE>
<AZIMUTH_ANGLE unit="deg">28.25</AZIMUTH_ANGLE></Mean_Sun_Angle></Tile_Angles></n1:Geometric_Info>
</n1:Level-{level}_Tile_ID>"""
PRODUCT = """<n1:Level-{level}_User_Product xmlns:n1="https://x/PSD"><n1:General_Info><Product_Info>
<PRODUCT_URI>{name}</PRODUCT_URI><PROCESSING_LEVEL>Level-{level}</PROCESSING_LEVEL>
<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE><PRODUCT_TYPE>S2MSI{level}</PRODUCT_TYPE>
<PRODUCT_START_TIME>2022-03-01T10:20:30.024Z</PRODUCT_START_TIME><GENERATION_TIME>2022-03-01T12:00:00.000000Z</GENERATION_TIME>
<PRODUCT_DOI>10.5270/S2_-znk9xsj</PRODUCT_DOI>
<Datatake><SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME><DATATAKE_SENSING_START>2022-03-01T10:20:30.024Z</DATATAKE_SENSING_START>
<SENSING_ORBIT_NUMBER>65</SENSING_ORBIT_NUMBER><SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION></Datatake>
<Product_Organisation>{granules}</Product_Organisation></Product_Info><Product_Image_Characteristics>{numbers}
<Spectral_Information bandId="3" physicalBand="B4"><Wavelength><CENTRAL unit="nm">664.9</CENTRAL></Wavelength>
</Spectral_Information></Product_Image_Characteristics></n1:General_Info><n1:Quality_Indicators_Info>
<Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info></n1:Level-{level}_User_Product>"""


def pixels(name: str, size: int) -> np.ndarray:
    """(y, x), uint16, another pattern for each band; 0 in a corner."""
    rng = np.random.default_rng(sum(map(ord, name)))
    made = rng.integers(1, 9000, (size, size), dtype=np.uint16)
    made[: size // 6, : size // 5] = 0
    return made


def write(path: Path, data: np.ndarray, cell: float | None, crs: str = "EPSG:32632", **options: object) -> None:
    """A JP2 or GeoTIFF of (y, x) or (band, y, x), from 600000, 5000040 on; without georeferencing if `cell` is None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = data if data.ndim == 3 else data[None]
    place = {} if cell is None else {"crs": crs, "transform": from_origin(600000, 5000040, cell, cell)}
    jp2 = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"} if path.suffix == ".jp2" else {}
    layout = {"driver": "GTiff", "count": len(data), "height": data.shape[1], "width": data.shape[2]}
    with rasterio.open(path, "w", **{**layout, "dtype": data.dtype, **place, **jp2, **options}) as dataset:
        dataset.write(data)
    path.with_name(path.name + ".aux.xml").unlink(missing_ok=True)


def tile_xml(level: str, sides: dict[int, int] = SIZE) -> str:
    sizes = "".join(
        f'<Size resolution="{r}"><NROWS>{n}</NROWS><NCOLS>{n}</NCOLS></Size>'
        f'<Geoposition resolution="{r}"><ULX>600000</ULX>'
        f"<ULY>5000040</ULY><XDIM>{r}</XDIM><YDIM>-{r}</YDIM></Geoposition>"
        for r, n in sides.items()
    )
    return TILE.format(level=level, sizes=sizes)


def granule_xml(images: list[str], identifier: str = "G", tag: str = "IMAGE_FILE") -> str:
    listed = "".join(f"<{tag}>{image}</{tag}>" for image in images)
    return f'<Granule_List><Granule granuleIdentifier="{identifier}">{listed}</Granule></Granule_List>'


def band_data(name: str, resolution: int) -> np.ndarray:
    data = pixels(name, SIZE[resolution])
    if name == "TCI":
        return np.stack([data // 40 + part for part in range(3)]).astype(np.uint8)
    return data.astype(np.uint8) % 12 if name == "SCL" else data


def make_l1c(folder: Path) -> Path:
    """Level-1C, baseline 04.00."""
    name = "S2B_MSIL1C_20220301T102030_N0400_R065_T32TNR_20220301T120000.SAFE"
    root = folder / name
    images = {band: f"GRANULE/L1C_T32TNR_A1/IMG_DATA/T32TNR_20220301T102030_{band}" for band in (*NATIVE, "TCI")}
    for band, image in images.items():
        resolution = NATIVE.get(band, 10)
        write(root / f"{image}.jp2", band_data(band, resolution), resolution)
    quality = root / "GRANULE/L1C_T32TNR_A1/QI_DATA"
    write(quality / "MSK_CLASSI_B00.jp2", np.zeros((3, 20, 20), np.uint8), 60)
    (root / "GRANULE/L1C_T32TNR_A1/MTD_TL.xml").write_text(tile_xml("1C"))
    offsets = "".join(f'<RADIO_ADD_OFFSET band_id="{n}">-1000</RADIO_ADD_OFFSET>' for n in range(13))
    numbers = f"<QUANTIFICATION_VALUE>10000</QUANTIFICATION_VALUE><List>{offsets}</List>"
    made = PRODUCT.format(
        level="1C", name=name, baseline="04.00", granules=granule_xml([*images.values()]), numbers=numbers
    )
    (root / "MTD_MSIL1C.xml").write_text(made)
    return root


def make_l2a(folder: Path) -> Path:
    """Level-2A, baseline 05.09."""
    name = "S2B_MSIL2A_20220301T102030_N0509_R065_T32TNR_20220301T120000.SAFE"
    root = folder / name
    images = []
    for resolution, bands in L2A.items():
        for band in bands:
            image = f"GRANULE/L2A_T32TNR_A1/IMG_DATA/R{resolution}m/T32TNR_20220301T102030_{band}_{resolution}m"
            images.append(image)
            write(root / f"{image}.jp2", band_data(band, resolution), resolution)
    (root / "GRANULE/L2A_T32TNR_A1/MTD_TL.xml").write_text(tile_xml("2A"))
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{n}">{-1000 if n != 3 else -900}</BOA_ADD_OFFSET>' for n in range(13))
    numbers = (
        "<BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE><AOT_QUANTIFICATION_VALUE>1000.0"
        f"</AOT_QUANTIFICATION_VALUE><WVP_QUANTIFICATION_VALUE>1000.0</WVP_QUANTIFICATION_VALUE>{offsets}"
    )
    made = PRODUCT.format(level="2A", name=name, baseline="05.09", granules=granule_xml(images), numbers=numbers)
    (root / "MTD_MSIL2A.xml").write_text(made)
    return root


MTL = """GROUP = LANDSAT_METADATA_FILE
  GROUP = PRODUCT_CONTENTS
    LANDSAT_PRODUCT_ID = "{name}"
    PROCESSING_LEVEL = "{level}"
{files}
  END_GROUP = PRODUCT_CONTENTS
  GROUP = IMAGE_ATTRIBUTES
    SPACECRAFT_ID = "{spacecraft}"
    SENSOR_ID = "{sensor}"
    DATE_ACQUIRED = 2019-12-01
    SCENE_CENTER_TIME = "15:13:51.8610990Z"
    CLOUD_COVER = 81.02
    SUN_AZIMUTH = 136.3
    SUN_ELEVATION = 30.0
  END_GROUP = IMAGE_ATTRIBUTES
  GROUP = PROJECTION_ATTRIBUTES
    MAP_PROJECTION = "UTM"
    DATUM = "WGS84"
    UTM_ZONE = 32
    GRID_CELL_SIZE_PANCHROMATIC = 15.00
    GRID_CELL_SIZE_REFLECTIVE = 30.00
    GRID_CELL_SIZE_THERMAL = 30.00
    PANCHROMATIC_LINES = 79
    PANCHROMATIC_SAMPLES = 99
    REFLECTIVE_LINES = 40
    REFLECTIVE_SAMPLES = 50
    THERMAL_LINES = 40
    THERMAL_SAMPLES = 50
    CORNER_UL_PROJECTION_X_PRODUCT = 600015.000
    CORNER_UL_PROJECTION_Y_PRODUCT = -4999985.000
  END_GROUP = PROJECTION_ATTRIBUTES
{numbers}
END_GROUP = LANDSAT_METADATA_FILE
END
"""


def make_landsat(folder: Path, name: str, bands: dict[str, str], *, level: str, numbers: str, placed: bool) -> Path:
    """A Collection 2 product: `bands` by the key of the MTL file and the end of the file's name."""
    root = folder / name
    files = []
    for key, end in bands.items():
        shape = (79, 99) if end == "B8" else (40, 50)
        cell = 15.0 if end == "B8" else 30.0
        data = pixels(end, 100)[: shape[0], : shape[1]]
        (root).mkdir(parents=True, exist_ok=True)
        left, top = 600015 - cell / 2, -4999985 + cell / 2
        place = {"crs": "EPSG:32632", "transform": from_origin(left, top, cell, cell)} if placed else {}
        write(root / f"{name}_{end}.TIF", data, None, **place)
        files.append(f'    FILE_NAME_{key} = "{name}_{end}.TIF"')
    satellite = name[3]
    spacecraft, sensor = f"LANDSAT_{satellite}", {"7": "ETM", "5": "TM"}.get(satellite, "OLI_TIRS")
    text = MTL.format(
        name=name, level=level, files="\n".join(files), spacecraft=spacecraft, sensor=sensor, numbers=numbers
    )
    (root / f"{name}_MTL.txt").write_text(text)
    return root


def group(name: str, values: dict[str, float]) -> str:
    lines = "\n".join(f"    {key} = {value}" for key, value in values.items())
    return f"  GROUP = {name}\n{lines}\n  END_GROUP = {name}"


def make_landsat_l1(folder: Path) -> Path:
    """Landsat 7, Level-1, with a panchromatic band and both thermal ones, placed by the MTL file alone."""
    bands = {f"BAND_{n}": f"B{n}" for n in (1, 2, 3, 4, 5, 7, 8)}
    bands |= {f"BAND_6_VCID_{n}": f"B6_VCID_{n}" for n in (1, 2)} | {"QUALITY_L1_PIXEL": "QA_PIXEL"}
    numbers = {f"REFLECTANCE_MULT_BAND_{n}": 2e-3 for n in (1, 2, 3, 4, 5, 7, 8)}
    numbers |= {f"REFLECTANCE_ADD_BAND_{n}": -0.1 for n in (1, 2, 3, 4, 5, 7, 8)}
    for key in ("6_VCID_1", "6_VCID_2", "1"):
        numbers |= {f"RADIANCE_MULT_BAND_{key}": 0.067, f"RADIANCE_ADD_BAND_{key}": -0.07}
    return make_landsat(
        folder,
        "LE07_L1TP_008059_20191201_20200825_02_T1",
        bands,
        level="L1TP",
        numbers=group("LEVEL1_RADIOMETRIC_RESCALING", numbers),
        placed=False,
    )


def make_landsat_l2(folder: Path) -> Path:
    """Landsat 9, Level-2, whose MTL file repeats keys of Level-1."""
    bands = {f"BAND_{n}": f"SR_B{n}" for n in range(1, 8)} | {"BAND_ST_B10": "ST_B10", "QUALITY_L1_PIXEL": "QA_PIXEL"}
    reflectance = {f"REFLECTANCE_MULT_BAND_{n}": 2.75e-5 for n in range(1, 8)}
    reflectance |= {f"REFLECTANCE_ADD_BAND_{n}": -0.2 for n in range(1, 8)}
    kelvin = {"TEMPERATURE_MULT_BAND_ST_B10": 0.00341802, "TEMPERATURE_ADD_BAND_ST_B10": 149.0}
    level1 = {"REFLECTANCE_MULT_BAND_1": 9.0, "REFLECTANCE_ADD_BAND_1": 9.0, "RADIANCE_MULT_BAND_10": 9.0}
    of_level1 = {f"FILE_NAME_BAND_{n}": f'"LC09_L1TP_B{n}.TIF"' for n in (8, 9)}
    parts = (
        group("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", reflectance),
        group("LEVEL2_SURFACE_TEMPERATURE_PARAMETERS", kelvin),
        group("LEVEL1_PROCESSING_RECORD", of_level1),
        group("LEVEL1_RADIOMETRIC_RESCALING", level1),
    )
    return make_landsat(
        folder,
        "LC09_L2SP_008059_20221201_20221225_02_T1",
        bands,
        level="L2SP",
        numbers="\n".join(parts),
        placed=True,
    )
