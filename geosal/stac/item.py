"""A STAC Item of one finished file, as plain data."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pyproj import CRS

from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout
from geosal.files.swap import ITEM, SEAL, beside, there
from geosal.stac.digests import of_output
from geosal.stac.footprint import footprint_of
from geosal.stac.when import when

_VERSION = "1.1.0"
_EXTENSIONS = {"proj": "projection/v2.0.0", "raster": "raster/v2.0.0", "eo": "eo/v2.0.0",
               "processing": "processing/v1.2.0", "file": "file/v2.1.0"}  # fmt: skip
"""Prefix of fields -> the extension that defines them."""
_SCHEMA = "https://stac-extensions.github.io/{}/schema.json"
_COMMON = {"rededge1": "rededge071", "rededge2": "rededge075", "rededge3": "rededge078"}
"""Role of a band -> its common name, where version 2 of the eo extension has another."""
_SIDECARS = {
    ".aux.xml": ("metadata", "application/xml", "what GDAL knows beside the pixels"),
    SEAL: ("metadata", "text/plain", "digests of what matters"),
    ".msk": ("data-mask", "image/tiff; application=geotiff", "which pixels are valid"),
    ".ovr": ("overview", "image/tiff; application=geotiff", "the image in lower resolutions"),
}
"""Suffix -> role, media type, title; any other is a world file."""
_WORLD_FILE = ("metadata", "text/plain", "transform of the pixels, a world file")
_METRES = {"metre", "meter", "m"}
_PLATFORM = re.compile(r"(sentinel-2|landsat)[-_ ]?([a-d]|\d)", re.IGNORECASE)
_INSTRUMENTS = {"sentinel-2": ["msi"], "OLI_TIRS": ["oli", "tirs"], "OLI": ["oli"], "TIRS": ["tirs"], "ETM": ["etm+"],
                "TM": ["tm"], "MSS": ["mss"]}  # fmt: skip


class Basis(NamedTuple):
    """What an item tells of a scene before any pixel is read."""

    geometry: dict[str, Any]
    bbox: Sequence[float]
    properties: dict[str, Any]
    doubt: str
    """Why its time may be wrong; empty where nothing lets doubt."""

    @classmethod
    def of(cls, path: str, layout: RasterLayout, told: str | None) -> "Basis":
        """Find place and time of a scene.

        Parameters
        ----------
        path
            For messages.
        layout
            Layout of the scene.
        told
            When it was taken, as `geosal.stac.when.When.parse` reads it; None where its tags have to tell.

        Raises
        ------
        UsageError
            It has no place on the globe, or nobody tells when it was taken.
        """
        place = footprint_of(layout.grid, path)
        tags = layout.metadata.tags
        taken = when(told, tags, path)
        properties: dict[str, Any] = {
            **taken.properties(),
            "geosal:datetime_by": taken.told_by,
            **_of_sensor(tags.get("", {})),
            **of_grid(layout.grid),
            **_of_clouds(tags),
        }
        return cls(place.geometry, place.bbox, properties, taken.doubt)


@dataclass(frozen=True, kw_only=True)
class About:
    """What an item tells of a finished file.

    Attributes
    ----------
    basis, layout
        Its place, time and layout.
    media_type
        Of its format.
    visual
        Whether its samples are to be looked at, and no measurements any more.
    claim
        Further properties: what was done to the pixels.
    statistics
        ``STATISTICS_*`` tags of each band; empty where they are not known.
    """

    basis: Basis
    layout: RasterLayout
    media_type: str
    visual: bool = False
    claim: Mapping[str, Any] = field(default_factory=dict)
    statistics: Sequence[Mapping[str, str]] = ()


def item_of(output: Path, about: About) -> dict[str, Any]:
    """Describe a finished file, by its final name in whatever folder, with its sidecars beside it."""
    layout, basis = about.layout, about.basis
    bands = [
        _band(number, band, layout, about.statistics[number - 1] if about.statistics else {})
        for number, band in enumerate(layout.metadata.bands, start=1)
    ]
    colours = [band.colorinterp.name for band in layout.metadata.bands[:3]]
    seen = layout.dtype == "uint8" and colours in (["red", "green", "blue"], ["gray"])
    data = {
        "href": f"./{output.name}",
        "type": about.media_type,
        "roles": [role for role, has in (("data", not about.visual), ("visual", about.visual or seen)) if has],
        "bands": bands,
        **_resolution(layout.grid),
        **of_output(output),
    }
    item = {
        "type": "Feature",
        "stac_version": _VERSION,
        "id": output.stem,
        "geometry": basis.geometry,
        "bbox": list(basis.bbox),
        "properties": {**basis.properties, **about.claim},
        "links": [],
        "assets": {"visual" if about.visual else "data": data, **dict(_beside(output))},
    }
    head = {key: item[key] for key in ("type", "stac_version")}
    return {**head, "stac_extensions": _extensions(item), **item}


def _extensions(item: Mapping[str, Any]) -> list[str]:
    """Return the schemas of the extensions whose fields are there: some refuse to be named without."""
    used = set(_prefixes((item["properties"], item["assets"])))
    return [_SCHEMA.format(name) for prefix, name in _EXTENSIONS.items() if prefix in used]


def _prefixes(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        yield from (key.partition(":")[0] for key in value if ":" in key)
        value = value.values()
    if not isinstance(value, str) and isinstance(value, Iterable):
        for each in value:
            yield from _prefixes(each)


def _beside(output: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    """Describe the files that lie beside the output."""
    if output.is_dir():
        root = output / "zarr.json"
        yield "metadata", {
            "href": f"./{output.name}/zarr.json", "type": "application/json", "roles": ["metadata"],
            "title": "consolidated metadata of the store", **of_output(root),
        }  # fmt: skip
        return
    for suffix in there(output, with_world_file=True):
        if suffix == ITEM:
            continue
        role, kind, title = _SIDECARS.get(suffix, _WORLD_FILE)
        path = beside(output, suffix)
        about = {"href": f"./{path.name}", "type": kind, "title": title, "roles": [role]}
        yield suffix.strip("."), {**about, **of_output(path)}


def _band(number: int, band: BandMetadata, layout: RasterLayout, statistics: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"name": band.description or f"b{number}", "data_type": layout.dtype}
    if layout.nodata is not None:
        told["nodata"] = _number(layout.nodata)
    if band.unit:
        told["unit"] = band.unit
    if (band.scale, band.offset) != (1.0, 0.0) and math.isfinite(band.scale) and math.isfinite(band.offset):
        told |= {"raster:scale": band.scale, "raster:offset": band.offset}
    if layout.nbits is not None:
        told["raster:bits_per_sample"] = layout.nbits
    if band.role:
        told["eo:common_name"] = _COMMON.get(band.role, band.role)
    if wave := re.fullmatch(r"(\d+(?:\.\d+)?) nm", band.tags.get("", {}).get("WAVELENGTH", "")):
        told["eo:center_wavelength"] = round(float(wave[1]) / 1000, 6)
    known = {key.removeprefix("STATISTICS_").lower(): float(value) for key, value in statistics.items()}
    return told | ({"statistics": known} if known else {})


def _number(value: float) -> float | int | str:
    """Return a number as JSON and the schemas have it."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return int(value) if value.is_integer() else value


def of_grid(grid: Grid) -> dict[str, Any]:
    """Return the fields of the projection extension."""
    crs = CRS.from_wkt(grid.crs or "")
    code = crs.to_authority(min_confidence=100)
    place = {"proj:code": ":".join(code)} if code else {"proj:code": None, "proj:wkt2": crs.to_wkt("WKT2_2019")}
    return {
        **place,
        "proj:bbox": [_number(edge) for edge in grid.bounds],
        "proj:shape": list(grid.shape),
        "proj:transform": [_number(float(each)) for each in tuple(grid.transform)[:6]],
    }


def _resolution(grid: Grid) -> dict[str, float]:
    """Return the size of a pixel where the CRS counts in metres."""
    units = {axis.unit_name for axis in CRS.from_wkt(grid.crs or "").axis_info[:2]}
    across, down = (
        math.hypot(*pair) for pair in ((grid.transform.a, grid.transform.d), (grid.transform.b, grid.transform.e))
    )
    return {"raster:spatial_resolution": round((across + down) / 2, 6)} if units <= _METRES else {}


def _of_sensor(tags: Mapping[str, str]) -> dict[str, Any]:
    match = _PLATFORM.fullmatch(tags.get("PLATFORM", "").strip())
    if match is None:
        return {}
    family = match[1].lower()
    sensor = tags.get("SENSOR_ID", "").upper() if family == "landsat" else family
    dash = "-" if family == "landsat" else ""
    told: dict[str, Any] = {"platform": f"{family}{dash}{match[2].lower()}", "constellation": family}
    return told | ({"instruments": _INSTRUMENTS[sensor]} if sensor in _INSTRUMENTS else {})


def _of_clouds(tags: Mapping[str, Mapping[str, str]]) -> dict[str, float]:
    """Return the cloud cover of the product, where it is one: Landsat has -1 for none."""
    for domain, key in (("", "CLOUD_COVER"), ("IMAGERY", "CLOUDCOVER")):
        try:
            cover = float(tags.get(domain, {}).get(key, "nan"))
        except ValueError:
            continue
        if 0 <= cover <= 100:  # percent
            return {"eo:cloud_cover": cover}
    return {}
