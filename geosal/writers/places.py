"""Files beside an output's name that would give it a place which its scene has not."""

from pathlib import Path

from geosal.errors import OutputError
from geosal.raster import RasterLayout

_WORLD_FILES = {
    ".tif": (".tfw", ".tifw", ".tiffw", ".wld"),
    ".tiff": (".tfw", ".tifw", ".tiffw", ".wld"),
    ".jp2": (".j2w", ".jp2w", ".wld"),
}
"""What GDAL reads in the place of a suffix, where a file itself says nothing; those of a JPEG are its sidecars."""
_MODELS = ("_rpc.txt", ".rpb", "_metadata.txt", ".imd")
"""RPCs and metadata of vendors, behind a name without its suffix; GDAL reads some of them before what a file says."""


def check_place(output: str, layout: RasterLayout) -> None:
    """Refuse an output whose place other files would tell, before any work.

    Parameters
    ----------
    output
        Path.
    layout
        What is to be written there.

    Raises
    ------
    OutputError
        It names the file.
    """
    path = Path(output)
    suffixes = _WORLD_FILES.get(path.suffix.lower())
    if suffixes is None or not path.parent.is_dir():
        return
    placed = not layout.grid.transform.is_identity
    wanted = {f"{path.stem.lower()}{suffix}" for suffix in (*(() if placed else suffixes), *_MODELS)}
    found = sorted(other.name for other in path.parent.iterdir() if other.name.lower() in wanted)
    if found:
        raise OutputError(
            f"{output}: {found[0]} lies there, and GDAL would take it for the place of the new file; delete it, or "
            "choose another name"
        )
