"""Check a Zarr store that was just written."""

from collections.abc import Iterator

from geosal.core.raster import RasterLayout
from geosal.errors import SceneError
from geosal.formats.zarr.check import layout_faults
from geosal.scenes.zarr_store import ZarrScene
from geosal.sizes import counted
from geosal.verification import carried


def structure_faults(path: str, layout: RasterLayout) -> Iterator[str]:
    """Report what is missing in a store that was just written, without decoding all of it."""
    try:
        found = ZarrScene.open_store(path)
        yield from carried.grid_faults(found.grid, layout.grid)
        if found.layout.count != layout.count:
            yield f"{counted(found.layout.count, 'band')}, not {layout.count}"
        if found.layout.dtype != layout.dtype:
            yield f"dtype {found.layout.dtype}, not {layout.dtype}"
        if not carried.same_nodata(found.layout.nodata, layout.nodata):
            yield f"nodata {found.layout.nodata}, not {layout.nodata}"
        if found.layout.has_mask != layout.has_mask:
            yield "the mask is lost" if layout.has_mask else "there is a mask that was not asked for"
        *_, last = found.grid.blocks(max(found.block_shape))
        found.read(last)
    except SceneError as error:
        yield str(error)
        return
    if faults := layout_faults(path):
        yield "; ".join(faults)
