"""What a Zarr store tells of its bands: as GDAL knew it in stores of ours, else by CF's attributes."""

from rasterio.enums import ColorInterp

from geosal.core.metadata import metadata_from_json
from geosal.core.raster import ROLES, BandMetadata, RasterMetadata
from geosal.core.zarr.nodes import Json
from geosal.core.zarr.raster import OURS
from geosal.errors import SceneError, cause_of
from geosal.scenes.zarr_choice import Choice, Plane

_NOT_TAGS = frozenset({
    "_ARRAY_DIMENSIONS", "_CRS", "_FillValue", "_Unsigned", "add_offset", "ancillary_variables", "axis", "bounds",
    "calendar", "cell_methods", "colorinterp", "common_name", "coordinates", "dtype", "fill_value", "flag_masks",
    "flag_meanings", "flag_values", "grid_mapping", "long_name", "missing_value", "scale_factor", "standard_name",
    "units", "valid_max", "valid_min", "valid_range", "Conventions", "zarr_conventions", "multiscales", "_eopf_attrs",
    "AREA_OR_POINT",
})  # fmt: skip
"""Attributes that a layout has in fields of its own, or that tell how the store is made."""


def metadata_of(path: str, choice: Choice) -> RasterMetadata:
    """Return the metadata of all bands: as GDAL knew it where the store tells it, else by CF's attributes."""
    if choice.ours:
        try:
            known = metadata_from_json(choice.group.attributes[OURS])
            _ = dict(zip(known.bands, choice.planes, strict=True))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SceneError(
                f"{path} cannot be read ({cause_of(error)}); the store is damaged, copy it again"
            ) from error
        return known
    single = len({plane.raster.path for plane in choice.planes}) == 1
    colours = [_colour(plane, place if single else None) for place, plane in enumerate(choice.planes)]
    names = [_description(plane, place, single=single) for place, plane in enumerate(choice.planes)]
    roles = [_role(plane, name) for plane, name in zip(choice.planes, names, strict=True)]
    if not any(colours):
        colours = [ColorInterp.gray, *[ColorInterp.undefined] * (len(colours) - 1)]
        if roles[:3] == ["red", "green", "blue"]:
            colours[:3] = ColorInterp.red, ColorInterp.green, ColorInterp.blue
    bands = tuple(
        BandMetadata(
            description=name or None,
            unit=_text(plane.raster.attributes.get("units")) or None,
            scale=plane.raster.scaling[0],
            offset=plane.raster.scaling[1],
            colorinterp=colour or ColorInterp.undefined,
            role=role,
            tags={} if single else _tags(plane.raster.attributes),
        )
        for plane, name, colour, role in zip(choice.planes, names, colours, roles, strict=True)
    )
    own = {**_tags(choice.group.attributes).get("", {})}
    if single:
        own |= _tags(choice.planes[0].raster.attributes).get("", {})
    own |= {name.upper(): step for name, step in choice.steps.items()}
    return RasterMetadata(bands=bands, tags={"": {"AREA_OR_POINT": "Area", **own}})


def _description(plane: Plane, place: int, *, single: bool) -> str:
    told = plane.raster.attributes.get("long_name")
    if isinstance(told, list) and single and place < len(told):
        return _text(told[place])
    return plane.name


def _role(plane: Plane, name: str) -> str:
    told = _text(plane.raster.attributes.get("common_name")) or name
    return told.lower() if told.lower() in ROLES else ""


def _colour(plane: Plane, place: int | None) -> ColorInterp | None:
    told = plane.raster.attributes.get("colorinterp")
    if isinstance(told, list):
        told = told[place] if place is not None and place < len(told) else None
    return ColorInterp[told] if isinstance(told, str) and told in ColorInterp.__members__ else None


def _text(told: object) -> str:
    return told[:1000] if isinstance(told, str) else ""


def _tags(attributes: Json) -> dict[str, dict[str, str]]:
    """Return attributes that are plain texts and numbers as tags."""
    kept = {
        key: str(value)
        for key, value in attributes.items()
        if key not in _NOT_TAGS
        and ":" not in key
        and isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and len(str(value)) < 10_000
    }
    return {"": kept} if kept else {}
