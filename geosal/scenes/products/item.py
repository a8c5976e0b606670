"""A STAC Item as a product: its assets are the files of the bands.

An item is made to point elsewhere: catalogues keep items and data in trees of their own, with ``../`` and absolute
paths between them, and most data lie on servers. So, unlike the metadata of a product, it may name files outside of its
folder and on servers; who opens it is told once. What a name leads to is opened as if the user had named it: as a
raster by a trusted driver, and never through GDAL's own prefixes.
"""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from geosal.core.raster import ROLES, QualityBand
from geosal.core.zarr.files import is_zarr
from geosal.errors import GeosalError, SceneError, redact
from geosal.files.addresses import split
from geosal.files.names import why_no_path
from geosal.scenes.products.bands import BandFile, Product, ProductBand, short_name
from geosal.scenes.products.headers import cell_of
from geosal.scenes.raster import Scene
from geosal.scenes.reading import NO_LIMIT
from geosal.sizes import as_bytes, counted, listed

_SUFFIXES = (".json", ".geojson")
_LARGEST = 2**23
"""Limit of an item in bytes."""
_MOST_BANDS = 4096
"""Limit of the bands of an item; hyperspectral ones have some hundred."""
_RASTERS = re.compile(
    r"image/(tiff|vnd\.stac\.geotiff|jp2|jpeg|png)\b|application/vnd[.+]zarr\b|application/x-zarr\b", re.IGNORECASE
)
"""Media types of what can be a band."""
_ENDINGS = (".tif", ".tiff", ".jp2", ".jpg", ".jpeg", ".png", ".zarr")
"""The same by names, where there is no media type."""
_NO_BANDS = frozenset(
    {"thumbnail", "overview", "metadata", "data-mask", "snow-ice", "cloud", "cloud-shadow", "water-mask"}
)
"""Roles of assets that are no bands."""
_TO_LOOK_AT = "visual"
_SCHEMES = frozenset({"http", "https", "s3", "gs", "az"})
_QUALITY = {
    "scl": "scl", "qa_pixel": "qa_pixel", "fmask": "fmask", "cloud": "cld", "snow": "snw",
    "bqa": "bqa", "msk_classi": "msk_classi",
}  # fmt: skip
"""Key of an asset, in small letters -> kind of a quality band, as Earth Search and the Planetary Computer name them."""
KEYS = {kind: key for key, kind in _QUALITY.items()}
"""Kind of a quality band -> key of its asset, by which an item is read again."""
_ROLE_OF = {"rededge071": "rededge1", "rededge075": "rededge2", "rededge078": "rededge3"}
_REDEDGE = ((0.72, "rededge1"), (0.76, "rededge2"), (0.80, "rededge3"))
"""Largest centre wavelength in micrometres -> role of a band that is called ``rededge``."""
_TAGS = {
    "eo:cloud_cover": "CLOUD_COVER", "view:sun_azimuth": "SUN_AZIMUTH", "view:sun_elevation": "SUN_ELEVATION",
    "processing:level": "PROCESSING_LEVEL", "s2:processing_baseline": "PROCESSING_BASELINE",
    "s2:product_uri": "PRODUCT_URI",
}  # fmt: skip
"""Property -> tag, named as products name theirs."""
_PLATFORM = re.compile(r"(sentinel-2|landsat-)([a-d]|\d)", re.IGNORECASE)

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asset:
    """An asset that can have bands.

    Attributes
    ----------
    key
        Its name in the item.
    path
        What GDAL opens.
    told
        All that the item tells of it, with what its properties tell of all.
    bands
        What it tells of each band; empty where it tells of none.
    """

    key: str
    path: str
    told: Mapping[str, Any]
    bands: tuple[Mapping[str, Any], ...]

    @property
    def label(self) -> str:
        """What the item calls the file, for messages."""
        return _word(self.told["href"])

    @property
    def there(self) -> str | None:
        """The path; None of a local file that is not there."""
        return self.path if "://" in self.path or os.path.exists(self.path) else None

    @property
    def roles(self) -> frozenset[str]:
        """Roles of the asset."""
        return frozenset(role for role in _list(self.told.get("roles")) if isinstance(role, str))

    @property
    def is_data(self) -> bool:
        """Return whether its samples are measurements."""
        return _TO_LOOK_AT not in self.roles or "data" in self.roles


@dataclass(frozen=True, kw_only=True)
class Item:
    """A STAC Item, as far as it is needed to open it."""

    path: str
    name: str
    properties: Mapping[str, Any]
    assets: tuple[Asset, ...]
    quality: tuple[Asset, ...]

    @classmethod
    def read(cls, path: str) -> Self:
        """Read an item of whatever origin.

        Raises
        ------
        SceneError
            It is no item, or has no asset that can have bands.
        """
        told = _json(path)
        _refuse_others(path, told)
        properties = _dict(told.get("properties"))
        found = dict(_assets(path, _dict(told["assets"]), properties))
        quality = {key: one for key, one in found.items() if key.lower() in _QUALITY}
        bands = tuple(one for key, one in found.items() if key not in quality and not _NO_BANDS & one.roles)
        if not bands:
            has = listed([*map(_word, told["assets"])]) or "none"
            raise SceneError(f"{path}: has no raster among its assets ({has}); give an item with bands, or one raster")
        _refuse_many(path, sum(max(1, len(one.bands)) for one in bands))
        name = told.get("id")
        return cls(
            path=path,
            name=_word(name) if isinstance(name, str | int) else "",
            properties=properties,
            assets=bands,
            quality=tuple(quality.values()),
        )

    @property
    def elsewhere(self) -> str:
        """Where assets lie that are not in the folder of the item, in words; empty where all are."""
        top = os.path.realpath(os.path.dirname(self.path))
        places: dict[str, None] = {}
        for asset in self.assets:
            server = split(asset.path)
            if server is not None and server.scheme in _SCHEMES:
                places[redact(f"{server.scheme}://{server.netloc}")] = None
            elif os.path.commonpath([os.path.realpath(asset.path), top]) != top:
                places[os.path.dirname(asset.path)] = None
        return ", ".join(places)


def recognise(path: str) -> bool:
    """Return whether a path is that of a file that can only be an item, sound or not: no raster is JSON."""
    return path.lower().endswith(_SUFFIXES) and os.path.isfile(path)


def asset_files(path: str) -> tuple[str, ...]:
    """Return the local files that the assets of an item are; none where it is no item."""
    try:
        item = Item.read(os.path.abspath(path))
    except SceneError:
        return ()
    return tuple(asset.path for asset in (*item.assets, *item.quality) if "://" not in asset.path)


def product_of(item: Item, drivers: tuple[str, ...] = ()) -> Product:
    """Describe an item as a product; headers are read of assets of which it tells no bands or no size of a pixel."""
    bands: list[ProductBand] = []
    groups: dict[str, tuple[str, ...]] = {}
    roles: set[str] = set()
    taken: set[str] = set()
    has_data = any(asset.is_data for asset in item.assets)
    alone = sum(asset.is_data or not has_data for asset in item.assets) == 1
    has_common = any(_role(band, asset) for asset in item.assets for band in asset.bands if asset.is_data)
    for asset in item.assets:
        header = _header(asset, drivers)
        several = asset.bands or ({},) * (header.layout.count if header else 1)
        _refuse_many(item.path, len(bands) + len(several))
        names = []
        for number, told in enumerate(several, start=1):
            role = _role(told, asset) if asset.is_data or not has_data else ""
            spectral = (asset.is_data or not has_data) and (bool(role) or not has_common)
            own = _text(told.get("name") or told.get("description"))
            name = own or f"{asset.key}.{number}" if len(several) > 1 or (own and alone) else asset.key
            band = ProductBand(
                name=_free(name, asset, number, taken),
                files=(BandFile(asset.label, asset.there, _cell(asset, header), number),),
                role="" if role in roles else role,  # the first of that role goes by it
                also=tuple(map(short_name, (own, asset.key) if len(several) == 1 else (own,))),
                named=bool(own) or not (alone or len(several) > 1),
                spectral=spectral,
                nodata=_nodata(told, asset),
                **_scaling(told, asset),
                tags=_band_tags(told),
            )
            roles.add(role)
            taken.add(band.name)
            bands.append(band)
            names.append(band.name)
        if len(names) > 1:
            groups[asset.key.lower()] = tuple(names)
    quality = tuple(
        QualityBand(kind=_QUALITY[one.key.lower()], path=one.path, sensor=_sensor(item.properties), alone=True)
        for one in item.quality
    )
    return Product(
        path=item.path,
        bands=tuple(bands),
        quality=quality,
        tags=_tags(item),
        nodata=None,
        groups=groups,
        elsewhere=item.elsewhere,
    )


def _json(path: str) -> Any:
    size = os.path.getsize(path)
    if size > _LARGEST:
        raise SceneError(f"{path}: {as_bytes(size)} are no STAC item; give a raster, a product or an item")
    try:
        with open(path, "rb") as file:
            return json.loads(file.read(_LARGEST + 1))
    except (OSError, ValueError, RecursionError) as error:
        cause = " ".join(str(error).split())[:100]
        raise SceneError(f"{path}: is no JSON that can be read ({cause}); copy the STAC item again") from error


def _refuse_others(path: str, told: Any) -> None:
    """Refuse what is JSON and no item, and say what to give."""
    kind = told.get("type") if isinstance(told, dict) else None
    if kind in ("Collection", "Catalog"):  # a list has no hash
        links = [
            one.get("href") for one in _list(told.get("links")) if isinstance(one, dict) and one.get("rel") == "item"
        ]
        items = f", such as {_word(links[0])}" if links else ""
        raise SceneError(f"{path}: is a STAC {kind}, which has no pixels; give one of its items{items}")
    if kind == "FeatureCollection":
        raise SceneError(
            f"{path}: holds {counted(len(_list(told.get('features'))), 'item')} in a FeatureCollection; give one in a "
            f"file of its own: jq '.features[0]' {os.path.basename(path)} > item.json"
        )
    if kind != "Feature":
        raise SceneError(f"{path}: is no STAC item, and no raster is JSON; give a raster, a product or an item")
    if not isinstance(told.get("assets"), dict):
        raise SceneError(
            f"{path}: is GeoJSON without assets, so no STAC item; give an item, or use it as where to look: --saliency"
        )


def _refuse_many(path: str, count: int) -> None:
    if count > _MOST_BANDS:
        raise SceneError(f"{path}: has {counted(count, 'band')}, more than {_MOST_BANDS}; give an item of fewer bands")


def _assets(path: str, told: Json, properties: Mapping[str, Any]) -> Iterator[tuple[str, Asset]]:
    """Yield the assets that can be opened as rasters."""
    shared = {key: properties[key] for key in ("proj:transform", "bands") if key in properties}
    for key, own in told.items():
        asset = shared | _dict(own)
        kind, href = asset.get("type"), asset.get("href")
        if not isinstance(href, str) or not href:
            continue
        where = split(href)
        ending = os.path.splitext(where.path.rstrip("/"))[1].lower() if where else ""
        if _RASTERS.match(kind) if isinstance(kind, str) else ending in _ENDINGS:
            yield key, Asset(key=_word(key), path=_path(path, key, href), told=asset, bands=tuple(_bands_of(asset)))


def _bands_of(asset: Mapping[str, Any]) -> Iterator[Json]:
    """Yield what an asset tells of each band: ``bands`` of STAC 1.1, or what two extensions had before."""
    lists = [[_dict(one) for one in _list(asset.get(name))] for name in ("bands", "eo:bands", "raster:bands")]
    for number in range(max(map(len, lists))):
        yield {key: value for one in reversed(lists) if number < len(one) for key, value in one[number].items()}


def _path(path: str, key: str, href: str) -> str:
    """Return what GDAL opens for an asset.

    Raises
    ------
    SceneError
        The name is none of a file or of a server that the user could have named.
    """
    where = split(href)
    if (
        where is None
        or re.search(r"[\x00-\x1f]", href)
        or why_no_path(href)
        or href.startswith("/vsi")
        or re.match(r"[A-Z][A-Z0-9_]+:", href)
    ):
        raise SceneError(
            f"{path}: asset {_word(key)} is {_word(href)}, which is no file and no URL; do not trust this item"
        )
    if where.scheme in _SCHEMES:
        return href
    if where.scheme not in {"", "file"}:
        raise SceneError(
            f"{path}: asset {_word(key)} is {_word(href)}; geosal reads files, {', '.join(sorted(_SCHEMES))}; copy it "
            "to the disk, and say so in the item"
        )
    name = unquote(where.path) if where.scheme else href
    whole = os.path.normpath(os.path.join(os.path.dirname(path), name))
    plain = os.path.normpath(os.path.join(os.path.dirname(path), unquote(name)))
    return whole if os.path.exists(whole) else plain


def _header(asset: Asset, drivers: tuple[str, ...]) -> Scene | None:
    """Read the header of an asset where the item tells too little; None where it tells enough, or there is none."""
    if (asset.bands and _told_cell(asset)) or is_zarr(asset.path):
        return None
    try:
        return Scene.open(asset.path, drivers=drivers, max_pixels=NO_LIMIT)
    except GeosalError:  # it is told when its bands are asked for
        return None


def _told_cell(asset: Asset) -> float | None:
    transform = _list(asset.told.get("proj:transform"))
    first = _number(transform[0]) if transform else None
    return abs(first) if first else None


def _cell(asset: Asset, header: Scene | None) -> float:
    return _told_cell(asset) or (cell_of(header.grid) if header else None) or _number(asset.told.get("gsd")) or 1.0


def _role(band: Mapping[str, Any], asset: Asset) -> str:
    """Return the role of a band by its common name."""
    common = _text(band.get("eo:common_name") or band.get("common_name"))
    if common == "rededge":
        wave = _number(band.get("eo:center_wavelength") or band.get("center_wavelength"))
        named = asset.key.lower() if asset.key.lower() in ROLES else ""
        return named or next((role for most, role in _REDEDGE if wave and wave <= most), "")
    role = _ROLE_OF.get(common, common)
    return role if role in ROLES else ""


def _free(name: str, asset: Asset, number: int, taken: set[str]) -> str:
    """Return a name that no other band has."""
    return next(
        one for one in (name, f"{asset.key}.{number}", f"{asset.key}.{number} ({len(taken)})") if one not in taken
    )


def _scaling(told: Mapping[str, Any], asset: Asset) -> dict[str, Any]:
    """Return scale, offset and unit of a band, as fields of `ProductBand`; what an asset tells is true of its bands."""
    every = {**asset.told, **told}
    scale, offset = (_number(every.get(f"raster:{key}", told.get(key))) for key in ("scale", "offset"))
    return {"scale": scale or 1.0, "offset": offset or 0.0, "unit": _text(every.get("unit")) or None}


def _band_tags(told: Mapping[str, Any]) -> dict[str, str]:
    wave = _number(told.get("eo:center_wavelength") or told.get("center_wavelength"))
    return {"WAVELENGTH": f"{1000 * wave:.10g} nm"} if wave else {}


def _nodata(told: Mapping[str, Any], asset: Asset) -> float | None:
    """Return the nodata code of a band; NaN is the text "nan" in JSON."""
    code = told.get("nodata", asset.told.get("nodata"))
    return math.nan if code == "nan" else _number(code)


def _tags(item: Item) -> dict[str, str]:
    told = item.properties
    ends = [_text(told.get(f"{end}_datetime")) for end in ("start", "end")]
    tags = {
        "STAC_ID": item.name,
        "ACQUIRED": _text(told.get("datetime")) or ("/".join(ends) if all(ends) else ""),
        "PLATFORM": _PLATFORM.sub(lambda m: m[1].capitalize() + m[2].upper(), _text(told.get("platform"))),
        **{tag: _text(told.get(key)) for key, tag in _TAGS.items()},
    }
    return {key: value for key, value in tags.items() if value}


def _sensor(properties: Mapping[str, Any]) -> str:
    """Return the sensor that flags of Landsat depend on."""
    match = re.fullmatch(r"landsat-(\d)", _text(properties.get("platform")).lower())
    return f"LANDSAT_{match[1]}" if match else ""


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Return a text or a number in one line; empty for anything else."""
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return " ".join(str(value).split())[:500] if is_plain else ""


def _word(value: Any) -> str:
    """Return a name for messages."""
    return redact(_text(value))[:80]


def _number(value: Any) -> float | None:
    """Return a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        return None
    return float(value)
