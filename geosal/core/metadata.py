"""Everything GDAL knows about a raster besides its pixels: read from a source, and put on a new file."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.rpc import RPC

from geosal.core.raster import ROLES, BandMetadata, RasterMetadata, Tags
from geosal.errors import OutputError, warn

_NOT_COPIED = frozenset({
    "IMAGE_STRUCTURE",  # how the source file was coded, not what it shows
    "DERIVED_SUBDATASETS",  # GDAL makes it up for every raster
    "SUBDATASETS",
    "RPC",  # has its own field
    "xml:VRT",  # the source VRT itself
    "xml:gml.root-instance",  # the GMLJP2 box: georeferencing, which the writer makes anew
})  # fmt: skip
_DRIVERS_OF_BITS = frozenset({"GTiff", "COG", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", "PNG"})
"""Drivers that pack samples in as many bits as the file says."""
_BITS = re.compile(r"""key\s*=\s*["']NBITS["']""", re.IGNORECASE)
_MAKES_FILES = frozenset({"IMD"})
"""Domains for which GDAL would write a file of another vendor's format beside a GeoTIFF."""
_POINT = ("row", "col", "x", "y", "z", "id", "info")
"""Fields of a ground control point."""


def read_metadata(dataset: DatasetReader, indexes: Sequence[int]) -> RasterMetadata:
    """Read everything GDAL knows about `dataset` and its bands `indexes` besides grid and pixels.

    Band statistics are left out, smoothing makes them stale. In the domains ``xml:…`` and ``json:…`` the one key is
    the domain's own name and the value its whole document.

    Parameters
    ----------
    dataset
        Open for reading.
    indexes
        Bands in rasterio's numbers, from 1, in the order wanted.
    """
    gcps, gcp_crs = dataset.gcps
    return RasterMetadata(
        bands=tuple(_read_band(dataset, index) for index in indexes),
        tags=_read_tags(dataset, None),
        gcps=tuple(gcps),
        gcp_crs=gcp_crs.to_wkt() if gcps and gcp_crs else None,
        rpcs=dataset.rpcs,
        nbits=_read_nbits(dataset, indexes),
    )


def apply_metadata(dataset: DatasetWriter, metadata: RasterMetadata) -> None:
    """Put `metadata` on a GeoTIFF that is open for writing and has no pixels yet.

    It leaves out the domain IMD, for which GDAL makes a file beside the GeoTIFF, and what rasterio cannot write: the
    domains ``json:…``, and ``xml:…`` documents without an equals sign.

    Raises
    ------
    OutputError
        GDAL refuses a part of it.
    """
    try:
        # Tags go first: AREA_OR_POINT says what the coordinates of the control points mean.
        for domain, tags in metadata.tags.items():
            _write_tags(dataset, 0, domain, tags)
        dataset.colorinterp = [band.colorinterp for band in metadata.bands]
        dataset.scales = [band.scale for band in metadata.bands]
        dataset.offsets = [band.offset for band in metadata.bands]
        for index, band in enumerate(metadata.bands, start=1):
            if band.description:
                dataset.set_band_description(index, band.description)
            if band.unit:
                dataset.set_band_unit(index, band.unit)
            for domain, tags in band.tags.items():
                _write_tags(dataset, index, domain, tags)
        if metadata.gcps and dataset.transform.is_identity:  # a GeoTIFF holds either, and a transform says more
            crs = CRS.from_wkt(metadata.gcp_crs) if metadata.gcp_crs else CRS()
            dataset.gcps = (list(metadata.gcps), crs)
        if metadata.rpcs is not None:
            dataset.rpcs = metadata.rpcs
    except (RasterioError, OSError, ValueError) as error:
        raise OutputError(f"{dataset.name}: metadata cannot be written ({error})") from error


def metadata_to_json(metadata: RasterMetadata) -> dict[str, Any]:
    """Turn `metadata` into plain data for JSON, from which `metadata_from_json` makes it again."""
    return {
        "tags": {domain: dict(tags) for domain, tags in metadata.tags.items()},
        "bands": [
            {
                "description": band.description,
                "unit": band.unit,
                "scale": band.scale,
                "offset": band.offset,
                "colorinterp": band.colorinterp.name,
                "tags": {domain: dict(tags) for domain, tags in band.tags.items()},
            }
            for band in metadata.bands
        ],
        "gcps": [{name: getattr(point, name) for name in _POINT} for point in metadata.gcps],
        "gcp_crs": metadata.gcp_crs,
        "rpcs": None if metadata.rpcs is None else metadata.rpcs.to_gdal(),
        "nbits": metadata.nbits,
    }


def metadata_from_json(data: Mapping[str, Any]) -> RasterMetadata:
    """Make metadata from the data of `metadata_to_json`; band statistics are left out, as in `read_metadata`.

    Raises
    ------
    KeyError, TypeError, ValueError
        The data have another structure.
    """
    return RasterMetadata(
        bands=tuple(
            BandMetadata(
                description=band["description"],
                unit=band["unit"],
                scale=float(band["scale"]),
                offset=float(band["offset"]),
                colorinterp=ColorInterp[band["colorinterp"]],
                tags={domain: tags for domain, items in band["tags"].items() if (tags := _without_statistics(items))},
                role=band["colorinterp"] if band["colorinterp"] in ROLES else "",
            )
            for band in data["bands"]
        ),
        tags={domain: dict(tags) for domain, tags in data["tags"].items()},
        gcps=tuple(GroundControlPoint(**{name: point[name] for name in _POINT}) for point in data["gcps"]),
        gcp_crs=data["gcp_crs"],
        rpcs=None if data["rpcs"] is None else RPC.from_gdal(data["rpcs"]),
        nbits=data["nbits"],
    )


def is_document(domain: str) -> bool:
    """Return whether a metadata domain holds one XML or JSON document in place of keys and values."""
    return domain.startswith(("xml:", "json:"))


def _read_band(dataset: DatasetReader, index: int) -> BandMetadata:
    position = index - 1
    colour = ColorInterp(dataset.colorinterp[position])
    return BandMetadata(
        description=_texts(dataset, "descriptions")[position] or None,
        unit=_texts(dataset, "units")[position] or None,
        scale=float(dataset.scales[position]),
        offset=float(dataset.offsets[position]),
        colorinterp=colour,
        tags=_read_tags(dataset, index),
        role=colour.name if colour.name in ROLES else "",
    )


def _texts(dataset: DatasetReader, what: str) -> tuple[str | None, ...]:
    """Return names or units of all bands; none where rasterio cannot read them as UTF-8."""
    try:
        found: tuple[str | None, ...] = getattr(dataset, what)
    except UnicodeDecodeError:
        warn(f"{dataset.name}: {what} of its bands are not UTF-8 and are left out; name bands anew in the output")
        return (None,) * int(dataset.count)
    return found


def _read_tags(dataset: DatasetReader, index: int | None) -> Tags:
    bidx = index or 0  # rasterio's number of the dataset itself
    found: dict[str, dict[str, str]] = {}
    for domain in ["", *dataset.tag_namespaces(bidx)]:
        if domain in _NOT_COPIED:
            continue
        tags = dataset.tags(bidx, ns=domain or None)
        if is_document(domain) and tags:
            tags = {domain: _document(domain, tags)}
        if index is not None:
            tags = _without_statistics(tags)
        if tags:
            found[domain] = {str(key): str(value) for key, value in tags.items()}
    return found


def _without_statistics(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("STATISTICS_")}


def _document(domain: str, tags: dict[str, str]) -> str:
    """Join a JSON document again, which rasterio cuts at its first colon."""
    key, value = next(iter(tags.items()))
    return value if key in {domain, domain.partition(":")[0]} else f"{key}:{value}"


def _read_nbits(dataset: DatasetReader, indexes: Sequence[int]) -> int | None:
    """Return the significant bits of an integer sample, where the file's own coding holds no more of them.

    Where samples are stored with all bits, the number in a header or an .aux.xml (NITF's ABPP) may be too small.
    """
    if dataset.driver not in _DRIVERS_OF_BITS or _says_bits_aside(dataset):
        return None
    found = [dataset.tags(index, ns="IMAGE_STRUCTURE").get("NBITS", "") for index in indexes]
    dtype = np.dtype(dataset.dtypes[indexes[0] - 1])
    if dtype.kind != "u" or not all(text.isdigit() for text in found):
        return None
    nbits = max(int(text) for text in found)
    return nbits if 0 < nbits < 8 * dtype.itemsize else None


def _says_bits_aside(dataset: DatasetReader) -> bool:
    asides = (Path(path) for path in dataset.files if path.endswith(".aux.xml"))
    return any(_BITS.search(path.read_text(encoding="utf-8", errors="replace")) for path in asides if path.is_file())


def _write_tags(dataset: DatasetWriter, index: int, domain: str, tags: Mapping[str, str]) -> None:
    items = dict(tags)
    if domain.startswith("json:") or domain in _MAKES_FILES:
        return
    if domain.startswith("xml:"):
        # GDAL wants the document alone, rasterio always writes "key=value": so it is cut at its first equals sign.
        key, sign, value = items[domain].partition("=")
        if not sign:
            return
        items = {key: value}
    if items:
        dataset.update_tags(index, ns=domain or None, **items)
