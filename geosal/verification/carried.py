"""What an output must share with its source: grid, bands and tags."""

import math
import re
from collections.abc import Iterator

from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.rpc import RPC

from geosal.core import provenance
from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata, Tags
from geosal.formats.finished import Finished
from geosal.sizes import counted
from geosal.verification.check import Check

_PIXEL_TOLERANCE = 1e-6
"""Tolerance of a position, in pixels: text boxes of a JPEG 2000 are rounded, all else is exact."""
_LISTED = 4
_LOCAL_CRS = ("LOCAL_CS[", "ENGCRS[")
_UNIT = re.compile(r"""\b(?:LENGTH)?UNIT\["[^"]*",\s*([0-9.eE+-]+)""")
"""The unit of length in WKT 1 and 2, with its metres."""
_UNSAID = ("AREA_OR_POINT", "Area")
"""The tag that holds where a file says nothing else."""
_NAMED = frozenset({ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha})
"""Colours that every format keeps; some formats exchange grey and undefined."""
_ERRORS_OF_RPCS = ("ERR_BIAS", "ERR_RAND")


def check_grid(found: RasterLayout, source: RasterLayout) -> Check:
    """Compare size, CRS, transform, control points and RPCs."""
    return Check.of("georeferenced", _grid_faults(found, source), "as the source")


def check_bands(found: RasterLayout, source: RasterLayout, finished: Finished, *, lossless: bool) -> Check:
    """Compare dtype, nodata, mask and what each band is called and means."""
    return Check.of("bands", list(_band_faults(found, source, finished, lossless=lossless))[:_LISTED], "as the source")


def check_tags(found: RasterMetadata, source: RasterMetadata, finished: Finished) -> Check:
    """Check that every tag of the source, in every domain, is there."""
    tags = dict(source.tags)
    if "COLOR_PROFILE" in tags:  # GDAL writes the ICC profile, not each of its parts
        profile = tags["COLOR_PROFILE"]
        tags["COLOR_PROFILE"] = {key: text for key, text in profile.items() if key == "SOURCE_ICC_PROFILE"}
    tags = {domain: items for domain, items in tags.items() if not domain.startswith(finished.lost_domains)}
    faults = list(_tag_faults("", found.tags, tags))
    for band, (ours, theirs) in enumerate(zip(found.bands, source.bands, strict=False), start=1):
        faults += _tag_faults(f"band {band} ", ours.tags, theirs.tags)
    more = [f"and {len(faults) - _LISTED} more"] if len(faults) > _LISTED else []
    return Check.of("tags", faults[:_LISTED] + more, "every tag of the source is there")


def check_provenance(metadata: RasterMetadata) -> Check:
    """Check that the file tells how it was made; of its recipe `geosal.job.proof` knows whether it can be followed."""
    tags = metadata.tags.get("", {})
    of_a_job = any(name in tags for name in provenance.OF_A_JOB)
    wanted = (provenance.VERSION, *provenance.OF_A_JOB) if of_a_job else (provenance.VERSION,)
    faults = [f"no {name} tag" for name in wanted if name not in tags]
    readable = {
        provenance.LADDER: provenance.read_ladder(tags) is not None,
        provenance.TREATMENT: provenance.read_treatment(tags) is not None,
        provenance.EFFECTIVE_KERNEL: _is_kernel(tags.get(provenance.EFFECTIVE_KERNEL, "1")),
    }
    faults += [f"{name}={tags[name]} cannot be read" for name, ok in readable.items() if name in tags and not ok]
    ours = provenance.all_of(tags)
    told = [
        f"{key.removeprefix(provenance.PREFIX).lower()} {ours[key]}"
        for key in ours
        if key not in provenance.UNTOLD_TAGS
    ]
    return Check.of("provenance", faults, ", ".join(told))


def without_alpha(layout: RasterLayout) -> tuple[BandMetadata, ...]:
    """Bands of a layout; the JPEG in a COG holds no alpha band, it becomes the mask."""
    return tuple(band for number, band in enumerate(layout.metadata.bands) if number != layout.alpha)


def alpha_became_mask(found: RasterLayout, source: RasterLayout) -> bool:
    """Return whether an output lacks the source's alpha band and has a mask for it."""
    return source.alpha is not None and found.alpha is None and found.has_mask and found.count == source.count - 1


def grid_faults(found: Grid, source: Grid) -> Iterator[str]:
    """Report where two grids differ."""
    if found.shape != source.shape:
        yield f"{found.width} x {found.height} px, not {source.width} x {source.height}"
    if not _same_crs(found.rasterio_crs, source.rasterio_crs):
        yield f"CRS {_name(found.rasterio_crs)}, not {_name(source.rasterio_crs)}"
    size = max(abs(source.transform.a), abs(source.transform.b), abs(source.transform.d), abs(source.transform.e))
    ours, theirs = tuple(found.transform)[:6], tuple(source.transform)[:6]
    if any(abs(a - b) > _PIXEL_TOLERANCE * size for a, b in zip(ours, theirs, strict=True)):
        yield f"transform {_list(ours)}, not {_list(theirs)}"


def same_nodata(found: float | None, source: float | None) -> bool:
    """Return whether two nodata values are the same; NaN is NaN."""
    if found is None or source is None:
        return found is source
    return found == source or (math.isnan(found) and math.isnan(source))


def _grid_faults(found: RasterLayout, source: RasterLayout) -> Iterator[str]:
    yield from grid_faults(found.grid, source.grid)
    ours, theirs = found.metadata, source.metadata
    # A file holds a transform or control points; where it has a transform, that is what counts.
    if theirs.gcps and source.grid.transform.is_identity:
        if [_point(gcp) for gcp in ours.gcps] != [_point(gcp) for gcp in theirs.gcps]:
            yield f"{len(ours.gcps)} control points differ from the source's {len(theirs.gcps)}"
        if not _same_crs(*(CRS.from_wkt(wkt) if wkt else None for wkt in (ours.gcp_crs, theirs.gcp_crs))):
            yield "CRS of the control points differs"
    if theirs.rpcs is not None and ours.rpcs is None:
        yield "RPCs are lost"
    elif theirs.rpcs is None and ours.rpcs is not None:
        yield "there are RPCs that the source has not; delete them where they lie beside the file (_RPC.TXT, .RPB)"
    elif theirs.rpcs is not None and not _same_rpcs(ours.rpcs, theirs.rpcs):
        yield "RPCs differ"
    if ours.gcps and not theirs.gcps:
        yield f"there are {len(ours.gcps)} control points that the source has not"


def _point(gcp: object) -> tuple[float, ...]:
    return tuple(round(getattr(gcp, name) or 0.0, 6) for name in ("row", "col", "x", "y", "z"))


def _same_rpcs(found: RPC, source: RPC) -> bool:
    """Compare number by number: text in a sidecar rounds the last digit."""
    ours, theirs = ({name: text.split() for name, text in rpcs.to_gdal().items()} for rpcs in (found, source))
    for name in _ERRORS_OF_RPCS:  # where a source does not tell them, GDAL writes -1, which says so
        if theirs.get(name, ["-1"]) == ["-1"] and [float(part) for part in ours.get(name, ["-1"])] == [-1.0]:
            ours.pop(name, None)
            theirs.pop(name, None)
    return ours.keys() == theirs.keys() and all(
        len(ours[name]) == len(theirs[name])
        and all(_same_value(float(a), float(b)) for a, b in zip(ours[name], theirs[name], strict=True))
        for name in theirs
    )


def _same_crs(found: CRS | None, source: CRS | None) -> bool:
    if not source:
        return not found
    if not found:
        return False
    if found == source:
        return True
    code = source.to_epsg()
    if code is not None:
        return bool(found.to_epsg() == code)
    # A local CRS says nothing but its unit, and formats word it differently.
    ours, theirs = found.to_wkt(), source.to_wkt()
    if not (ours.startswith(_LOCAL_CRS) and theirs.startswith(_LOCAL_CRS)):
        return False
    units = [float(unit[1]) for wkt in (ours, theirs) if (unit := _UNIT.search(wkt))]
    return len(units) < 2 or math.isclose(*units, rel_tol=1e-6)


def _name(crs: CRS | None) -> str:
    return crs.to_string()[:60] if crs else "none"


def _list(numbers: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{number:.12g}" for number in numbers) + ")"


def _band_faults(found: RasterLayout, source: RasterLayout, finished: Finished, *, lossless: bool) -> Iterator[str]:
    if found.dtype != source.dtype:
        yield f"dtype {found.dtype}, not {source.dtype}"
    mask_instead = found.has_mask and found.nodata is None and not lossless  # a lossy codec blurs the code
    if not mask_instead and not same_nodata(found.nodata, source.nodata):
        yield f"nodata {found.nodata}, not {source.nodata}"
    if source.has_mask and not found.has_mask:
        yield "the mask is lost"
    bands = without_alpha(source) if alpha_became_mask(found, source) else source.metadata.bands
    if found.count != len(bands):
        yield f"{counted(found.count, 'band')}, not {len(bands)}"
    for number, (ours, theirs) in enumerate(zip(found.metadata.bands, bands, strict=False), start=1):
        for name in ("description", "unit", "scale", "offset"):
            if not _same_value(getattr(ours, name), getattr(theirs, name)):
                yield f"band {number} has {name} {getattr(ours, name)}, not {getattr(theirs, name)}"
        named = finished.keeps_colours and {ours.colorinterp, theirs.colorinterp} <= _NAMED
        if named and ours.colorinterp != theirs.colorinterp:
            yield f"band {number} is {ours.colorinterp.name}, not {theirs.colorinterp.name}"


def _same_value(found: object, source: object) -> bool:
    if isinstance(found, float) and isinstance(source, float):
        return math.isclose(found, source, rel_tol=1e-9, abs_tol=1e-15)
    return found == source


def _tag_faults(where: str, found: Tags, source: Tags) -> Iterator[str]:
    for domain, tags in source.items():
        for key, value in tags.items():
            if key.startswith(provenance.PREFIX) or (key, value) == _UNSAID:
                continue
            name = f"{where}tag {domain + ':' if domain and domain != key else ''}{key}"
            ours = found.get(domain, {}).get(key)
            if _says_nothing(key, value) and (ours is None or _says_nothing(key, ours)):
                continue
            if ours is None:
                yield f"{name} is lost"
            elif ours.strip() != value.strip():
                yield f"{name} is {ours[:40]!r}, not {value[:40]!r}"


def _says_nothing(key: str, value: str) -> bool:
    """Return whether a tag may get lost: blanks and control characters, and a resolution that is no number of dots."""
    if key in {"TIFFTAG_XRESOLUTION", "TIFFTAG_YRESOLUTION"}:
        return value.strip().lower() in {"inf", "nan", "0"}
    return not any(character.isprintable() and not character.isspace() for character in value)


def _is_kernel(text: str) -> bool:
    try:
        return float(text) >= 1
    except ValueError:
        return False
