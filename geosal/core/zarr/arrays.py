"""Which arrays of a group are rasters, and not coordinates, masks or tables beside them."""

from collections.abc import Iterator, Mapping
from typing import NoReturn

from geosal.core.zarr.coding import Coding
from geosal.core.zarr.nodes import Node, listing, node_in
from geosal.core.zarr.place import axes_of
from geosal.errors import SceneError


def base_of(group: Node) -> str | None:
    """Return the path of the finest level below a group of several (GeoZarr's ``multiscales``); None without levels."""
    told = group.attributes.get("multiscales")
    layout = told.get("layout") if isinstance(told, Mapping) else None
    levels = [one for one in layout if isinstance(one, Mapping)] if isinstance(layout, list) else []
    first = next((one for one in levels if "derived_from" not in one), levels[0] if levels else {})
    asset = first.get("asset")
    return asset if isinstance(asset, str) else None


def arrays_of(group: Node, path: str) -> list[Node]:
    """Return the arrays of a group that are its bands, or those of its finest level.

    Raises
    ------
    SceneError
        There is none; the message, about `path`, lists what is below.
    """
    base = base_of(group)
    if base is not None:
        found = node_in(group, base)
        if found is None:
            raise SceneError(
                f"{path}: its multiscales begin with {base[:80]!r}, which is not there; copy the store again"
            )
        return [found] if found.is_array else arrays_of(found, path)
    nodes = [node_in(group, name) for name in group.store.children(group.path)]
    arrays = [node for node in nodes if node is not None and node.is_array and len(node.shape) > 1]
    rasters = [node for node in arrays if axes_of(node) is not None and node.dtype() is not None]
    beside = {name for node in rasters for name in _named_by(node)}
    images = [node for node in rasters if node.name not in beside and not _locates(node)]
    shown = [node for node in images if not {"flag_values", "flag_masks"} & node.attributes.keys()]
    if shown or images:
        return shown or images
    if arrays and not rasters:
        grids = [node for node in arrays if axes_of(node) is not None]
        if grids:
            Coding.of(grids[0])  # tells the type, which is no number's
        refuse_other(arrays[0])
    inside = listing(group.store, group.path)
    raise SceneError(f"{path}: this group holds no raster itself; name one: {path.rstrip('/')}/..., it has {inside}")


def _named_by(node: Node) -> Iterator[str]:
    """Names of arrays that only serve this one: coordinates, bounds, masks."""
    for key in ("coordinates", "ancillary_variables", "grid_mapping", "bounds"):
        told = node.attributes.get(key)
        if isinstance(told, str):
            yield from (name for name in told.split() if name != node.name)


def _locates(node: Node) -> bool:
    """Return whether an array tells where pixels are."""
    return node.attributes.get("standard_name") in ("latitude", "longitude") or node.name.endswith(("_bounds", "_bnds"))


def refuse_other(node: Node) -> NoReturn:
    """Refuse an array that has no rows and columns.

    Raises
    ------
    SceneError
        It says so.
    """
    named = ", ".join(name or "?" for name in node.dims) or "none"
    raise SceneError(
        f"{node.label}: is no raster, its dimensions are {named}; name an array of rows and columns, as y, x"
    )
