"""Sentinel-2 Level-1C and Level-2A in EOPF Zarr, ESA's successor of .SAFE: one store, a group a resolution.

Names of groups and attributes are those of the EOPF Product Structure and Format Definition, and of products of
baselines 05.11 and 05.12. Reflectance is stored as in .SAFE, as counts: ``scale_factor`` and ``add_offset`` say what
QUANTIFICATION_VALUE and ADD_OFFSET say there; Zarr v3 has them as the codecs ``scale_offset`` and ``cast_value``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from geosal.core.raster import QualityBand
from geosal.core.zarr.chunks import text_values_of, values_of
from geosal.core.zarr.coding import Coding
from geosal.core.zarr.files import Store, locate
from geosal.core.zarr.nodes import Json, existing, node_at, number_of
from geosal.core.zarr.raster import scaling_of
from geosal.errors import GeosalError, SceneError
from geosal.files.addresses import joined
from geosal.scenes.products.bands import BandFile, Product, ProductBand
from geosal.scenes.products.sentinel2 import BANDS, IDS

_MARK = "stac_discovery"
_REFLECTANCE = "measurements/reflectance"
_RESOLUTIONS = (10, 20, 60)
_QUALITY = (
    ("scl", "conditions/mask/l2a_classification/r{}m/scl", (20, 60)),
    ("eopf_classi", "conditions/mask/l1c_classification/r{}m/b00", (60,)),
    ("cld", "quality/probability/r{}m/cld", (20, 60)),
    ("snw", "quality/probability/r{}m/snw", (20, 60)),
)
"""Kind of a quality band, its array, and the resolutions that it may have, the best first."""
_OF_ITEM = {
    "created": "GENERATION_TIME", "start_datetime": "PRODUCT_START_TIME", "sat:relative_orbit": "SENSING_ORBIT_NUMBER",
    "sci:doi": "PRODUCT_DOI", "eo:cloud_cover": "CLOUD_COVER",
}  # fmt: skip
"""Property of the STAC item -> the tag that a .SAFE has for it. Nothing tells TILE_ID."""
_SUN = "mean_sun_{}_angle_in_deg_for_all_bands_all_detectors"
_MOST_MICROMETRES = 10.0
"""Wavelengths below are in micrometres, as STAC has them; those in nanometres are longer than 400."""


def recognise(path: str) -> bool:
    """Return whether a path is the root of an EOPF product of Sentinel-2."""
    place = locate(path)
    if place is None or place.node:
        return False
    try:
        root = node_at(place.store, "")
        return root is not None and _MARK in root.attributes and node_at(place.store, _REFLECTANCE) is not None
    except SceneError:
        return False


def read(path: str) -> Product:
    """Read the metadata of a product.

    Raises
    ------
    SceneError
        The store holds no bands, or its metadata are damaged.
    """
    place = locate(path)
    if place is None:
        raise SceneError(f"{path}: no such product; give its .zarr")
    store = place.store
    root = existing(store, "").attributes
    item, other = _json(root.get(_MARK)), _json(root.get("other_metadata"))
    properties = _json(item.get("properties"))
    tags = _tags(store, item, properties, other)
    bands = tuple(_bands(store, _wavelengths(properties, other)))
    if not any(band.spectral for band in bands):
        raise SceneError(f"{path}: holds no bands in {_REFLECTANCE}; it is copied in part, copy it again")
    return Product(path=store.root, bands=bands, quality=_quality(store, tags.get("PLATFORM", "")), tags=tags)


def _bands(store: Store, waves: Mapping[str, str]) -> Iterator[ProductBand]:
    """Yield the bands in the order of .SAFE, each with its arrays of all resolutions."""
    found: dict[str, list[BandFile]] = {}
    for resolution in _RESOLUTIONS:
        group = f"{_REFLECTANCE}/r{resolution}m"
        for name in store.children(group):
            if name.upper() in BANDS:
                found.setdefault(name.upper(), []).append(_file(store, f"{group}/{name}", resolution))
    for name in (name for name in IDS if name in found):
        files = tuple(found[name])
        scale, offset = _scaling(store, files[0])
        tags = {"WAVELENGTH": waves[name]} if name in waves else {}
        role = BANDS[name][0]
        yield ProductBand(name=name, files=files, role=role, scale=scale, offset=offset, tags=tags)
    for name in ("AOT", "WVP"):
        files = _files(store, f"quality/atmosphere/r{{}}m/{name.lower()}")
        if files:
            scale, offset = _scaling(store, files[0])
            unpacked = (scale, offset) == (1.0, 0.0)  # counts of a thousandth, as in .SAFE
            unit = None if name == "AOT" else "cm"
            yield ProductBand(
                name=name,
                files=files,
                spectral=False,
                scale=1 / 1000.0 if unpacked else scale,
                offset=offset,
                unit=unit,
            )
    looks = _files(store, "quality/l2a_quicklook/r{}m/tci") or _files(store, "quality/l1c_quicklook/r{}m/tci")
    for index, colour in enumerate("RGB" if looks else "", start=1):
        of_one = tuple(BandFile(file.label, file.path, file.resolution, index) for file in looks)
        yield ProductBand(name=f"TCI_{colour}", spectral=False, files=of_one)


def _files(store: Store, pattern: str) -> tuple[BandFile, ...]:
    return tuple(
        _file(store, path, resolution)
        for resolution in _RESOLUTIONS
        if node_at(store, path := pattern.format(resolution)) is not None
    )


def _file(store: Store, path: str, resolution: int) -> BandFile:
    return BandFile(path, joined(store.root, path), resolution)


def _scaling(store: Store, file: BandFile) -> tuple[float, float]:
    node = existing(store, file.label)
    return scaling_of(node, Coding.of(node))


def _quality(store: Store, sensor: str) -> tuple[QualityBand, ...]:
    found = []
    for kind, pattern, resolutions in _QUALITY:
        paths = [path for at in resolutions if node_at(store, path := pattern.format(at)) is not None]
        found += [
            QualityBand(kind=kind, path=joined(store.root, path), sensor=sensor, alone=True) for path in paths[:1]
        ]
    return tuple(found)


def _wavelengths(properties: Json, other: Json) -> dict[str, str]:
    """Return the central wavelength of each band, as ESA tells it; of the item where only that does."""
    told = properties.get("bands")
    bands = [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
    waves = {
        str(one.get("name", "")).upper(): number_of(one.get("eo:center_wavelength", one.get("center_wavelength")))
        for one in bands
    }
    waves |= {
        f"B{key}".upper(): number_of(_json(one).get("central_wavelength"))
        for key, one in _json(other.get("band_description")).items()
    }
    in_nm = {name: wave * 1000 if wave < _MOST_MICROMETRES else wave for name, wave in waves.items() if wave}
    return {name: f"{wave:.10g} nm" for name, wave in in_nm.items()}


def _tags(store: Store, item: Json, properties: Json, other: Json) -> dict[str, str]:
    """Return the metadata as the tags that a .SAFE has."""
    tags = {tag: _text(properties.get(key)) for key, tag in _OF_ITEM.items()}
    level = re.fullmatch(r"L(1C|2A)", _text(properties.get("processing:level")))
    strip = re.search(r"_N(\d\d\.\d\d)$", _text(properties.get("eopf:datastrip_id")))
    sensed = _text(other.get("mean_sensing_time"))
    tags |= {
        "PRODUCT_URI": _text(item.get("id")),
        "PROCESSING_LEVEL": f"Level-{level[1]}" if level else "",
        "PRODUCT_TYPE": f"S2MSI{level[1]}" if level else "",
        "PROCESSING_BASELINE": _text(properties.get("eopf:baseline")) or (strip[1] if strip else ""),
        "DATATAKE_SENSING_START": tags["PRODUCT_START_TIME"],
        "SENSING_TIME": sensed,
        "PLATFORM": re.sub(
            r"^sentinel-2(\w)$", lambda m: f"Sentinel-2{m[1].upper()}", _text(properties.get("platform"))
        ),
        "SENSING_ORBIT_DIRECTION": _text(properties.get("sat:orbit_state")).upper(),
        "ACQUIRED": sensed or _text(properties.get("datetime")) or tags["PRODUCT_START_TIME"],
    }
    azimuth, zenith = _sun(store) or (number_of(other.get(_SUN.format(name))) for name in ("azimuth", "zenith"))
    if azimuth is not None and zenith is not None:
        tags["SUN_AZIMUTH"] = f"{azimuth:.10g}"
        tags["SUN_ELEVATION"] = f"{90 - zenith:.10g}"
    return {key: value for key, value in tags.items() if value}


def _sun(store: Store) -> tuple[float, float] | None:
    """Return azimuth and zenith of the sun, in degrees, as the array of mean angles has them; None without it."""
    means, names = (node_at(store, f"conditions/geometry/{name}") for name in ("mean_sun_angles", "angle"))
    if means is None or names is None or not (means.is_array and names.is_array):
        return None
    try:
        labels = text_values_of(names)
        found = {str(name): float(value) for name, value in zip(labels, values_of(means), strict=True)}
    except (GeosalError, TypeError, ValueError):
        return None
    return (found["azimuth"], found["zenith"]) if {"zenith", "azimuth"} <= found.keys() else None


def _json(told: Any) -> Json:
    return dict(told) if isinstance(told, Mapping) else {}


def _text(told: Any) -> str:
    return (
        str(told)[:500] if isinstance(told, str | int | float) and not isinstance(told, bool) and told != "null" else ""
    )
