"""A small product in EOPF Zarr with the pixels of a small .SAFE: groups, attributes and codecs as ESA's have them.

What is written here was read in the metadata of published products: S2C Level-2A and S2B Level-1C of baseline 05.11
(Zarr 2), and one of 05.12 (Zarr 3 with scale_offset and cast_value).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import rasterio
import zarr
from zarr.codecs import BloscCodec

_NATIVE = {"B02": 10, "B03": 10, "B04": 10, "B08": 10, "B01": 60, "B09": 60, "B10": 60, "TCI": 10}
_PLACES = {
    "TCI": "quality/l2a_quicklook/r{}m/tci", "AOT": "quality/atmosphere/r{}m/aot", "WVP": "quality/atmosphere/r{}m/wvp",
    "SCL": "conditions/mask/l2a_classification/r{}m/scl", "CLASSI": "conditions/mask/l1c_classification/r{}m/b00",
    "CLDPRB": "quality/probability/r{}m/cld", "SNWPRB": "quality/probability/r{}m/snw",
}  # fmt: skip


def _bands(safe: Path) -> Iterator[tuple[str, int, np.ndarray]]:
    """Name, resolution and pixels of each raster of a .SAFE."""
    for path in sorted(safe.rglob("*.jp2")):
        name = re.search(r"(B\d[0-9A]|TCI|AOT|WVP|SCL|CLASSI|CLDPRB|SNWPRB)(?:_B00)?(?:_(\d\d)m)?\.jp2$", path.name)
        with rasterio.open(path) as dataset:
            data = dataset.read()
        if name[1] == "CLASSI":  # three bands there, three bits here
            yield "CLASSI", 60, (data[0] + 2 * data[1] + 4 * data[2]).astype(np.uint8)
        else:
            yield name[1], int(name[2] or _NATIVE.get(name[1], 20)), data if name[1] == "TCI" else data[0]


def _attributes(level: str, name: str, version: int) -> dict[str, Any]:
    """Make the root's attributes: a STAC item, whose words are others in Zarr 3, and what ESA tells beside it."""
    baseline = "04.00" if level == "1C" else "05.09"
    red = {"eo:common_name": "red", "eo:center_wavelength": 0.665} if version == 3 else {"center_wavelength": 665.0}
    own = {"eopf:datastrip_id": f"S2B_OPER_MSI_L{level}_DS_2BPS_20220301T120000_S20220301T102029_N{baseline}"}
    properties = {
        "bands": [{"name": "b04", **red}], "platform": "sentinel-2b", "processing:level": f"L{level}",
        "datetime": "2022-03-01T10:20:30.024000Z" if version == 3 else None, "created": "2022-03-01T12:00:00.000000Z",
        "start_datetime": "2022-03-01T10:20:30.024Z", "eo:cloud_cover": 12.5,
        "sat:relative_orbit": 65, "sat:orbit_state": "descending", "sci:doi": "10.5270/S2_-znk9xsj",
        **(own if version == 3 else {"eopf:baseline": baseline}),
    }  # fmt: skip
    sun = "mean_sun_{}_angle_in_deg_for_all_bands_all_detectors"
    other = {
        "eopf_category": "eoproduct", "mean_sensing_time": "2022-03-01T10:20:30.461Z", sun.format("azimuth"): 28.25,
        sun.format("zenith"): 59.5, "band_description": {"04": {"central_wavelength": 664.9, "units": "nm"}},
    }  # fmt: skip
    item = {"id": name, "type": "Feature", "stac_version": "1.1.0", "properties": properties}
    return {"stac_discovery": item, "other_metadata": other}


def make_eopf(path: Path, safe: Path, *, version: int = 2) -> Path:
    """Write the product of a .SAFE; of Zarr 3 with shards, where codecs pack reflectance."""
    level = "1C" if "MSIL1C" in safe.name else "2A"
    root = zarr.open_group(path, mode="w", zarr_format=version)
    root.attrs.update(_attributes(level, safe.name, version))
    for band, at, data in _bands(safe):
        where = _PLACES.get(band, f"measurements/reflectance/r{{}}m/{band.lower()}").format(at)
        offset = -0.09 if (level, band) == ("2A", "B04") else -0.1  # as the fixture of the .SAFE has it
        reflectance = band.startswith("B")
        said = {"scale_factor": 1e-4, "add_offset": offset, "units": "digital_counts"} if reflectance else {}
        place = [float(at), 0.0, 6e5, 0.0, -float(at), 5000040.0, 0.0, 0.0, 1.0]
        told = {"proj:epsg": 32632, "proj:transform": place, "proj:shape": list(data.shape[-2:])}
        dims = ("band", "y", "x")[-data.ndim :]
        half = tuple(-(-n // 2) for n in data.shape) if data.ndim == 2 else data.shape
        if version == 2:
            root.create_array(
                where, data=data, chunks=half, fill_value=0 if reflectance else None,
                chunk_key_encoding={"name": "v2", "separator": "."}, compressors=numcodecs.Blosc("zstd", 3, 2),
                attributes={**told, **said, "_ARRAY_DIMENSIONS": list(dims)},
            )  # fmt: skip
            continue
        shard = tuple(2 * -(-n // 2) for n in half)
        root.create_array(
            where, data=data, chunks=tuple(n // 2 for n in shard), shards=shard, fill_value=0, dimension_names=dims,
            compressors=BloscCodec(cname="zstd"), attributes=told,
        )  # fmt: skip
        if reflectance:
            _pack(path / where / "zarr.json", said)
    if version == 3:  # there the angles are told beside the item as well
        return path
    angles = root.create_array("conditions/geometry/mean_sun_angles", data=np.array([59.5, 28.25]))
    angles.attrs["_ARRAY_DIMENSIONS"] = ["angle"]
    root.create_array("conditions/geometry/angle", data=np.array(["zenith", "azimuth"], "U7"))
    return path


def _pack(place: Path, said: dict[str, Any]) -> None:
    """Tell that counts are reflectance in floats, as scale_offset and cast_value do."""
    meta = json.loads(place.read_text())
    scaling = {"scale": 1 / said["scale_factor"], "offset": said["add_offset"]}
    scalars = {"encode": [["NaN", 0]], "decode": [[0, "NaN"]]}
    meta["codecs"][0]["configuration"]["codecs"][:0] = [
        {"name": "scale_offset", "configuration": scaling},
        {"name": "cast_value", "configuration": {"data_type": "uint16", "scalar_map": scalars}},
    ]
    meta |= {"data_type": "float32", "fill_value": "NaN"}
    place.write_text(json.dumps(meta))
