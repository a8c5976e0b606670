"""What a plan warns of and refuses once all of it is decided."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from geosal.errors import UsageError, warn
from geosal.files.addresses import is_remote
from geosal.formats.quality import FLAT, TABLES
from geosal.produce import Target
from geosal.scenes import AnyScene
from geosal.seals import SIDE
from geosal.sizes import as_bytes

_SMALL = 4096**2
"""Most pixels of a scene that one thread encodes fast enough."""


def refuse_seal(target: Target, block: int, *, keeps_salient: bool) -> None:
    """Refuse to seal what may change between here and a reader of the file."""
    if not keeps_salient:
        raise UsageError(
            f"--seal: {target.profile.name} with treatment {target.treatment} keeps no pixel bit for bit, so there is "
            "nothing to seal; leave it out, or take a lossless profile"
        )
    if block % SIDE:
        raise UsageError(f"--block {block}: a seal is made of tiles of {SIDE}; make it a multiple, or leave it out")


def refuse_tables(options: Iterable[tuple[str, str]], because: str) -> None:
    """Refuse flat tables that the user has named, where GDAL encodes a JPEG by libjpeg's."""
    given = {name.upper(): value.upper() for name, value in options}
    if given.get(TABLES.name) == FLAT:
        raise UsageError(
            f"{TABLES.name}={FLAT}: only geosal makes them, and {because}; leave such options out, or {TABLES.name}"
        )


def tell_of_missing_place(scene: AnyScene) -> None:
    """Warn where a scene has no place, so that the output has none."""
    metadata = scene.layout.metadata
    if not scene.grid.georeferenced and not metadata.gcps and metadata.rpcs is None:
        lacks = "CRS" if scene.grid.crs is None and not scene.grid.transform.is_identity else "georeferencing"
        warn(f"{scene.path}: has no {lacks}, so the output has none; a mask of the same size fits by pixels")


def warn_of_block(target: Target, block: int) -> None:
    """Warn where blocks cut tiles apart: then one thread encodes them all."""
    if target.gdal_because is not None:
        return
    tile, grid = target.own_encoder.tile, target.layout.grid
    if block % tile and grid.height * grid.width > _SMALL:
        warn(
            f"--block {block} cuts tiles of {tile} apart, so one thread puts them together and encodes them; "
            f"make it a multiple of {tile}",
        )


def warn_of_disk(output: str, raw: int, needed: int) -> None:
    """Warn early that the disk may fill up; the size of the output is known only afterwards."""
    remote = is_remote(output)
    directory = Path(tempfile.gettempdir()) if remote else Path(output).absolute().parent
    free = shutil.disk_usage(directory).free
    if free < raw:
        warn(f"{directory}: {as_bytes(free)} free, the job may need up to {as_bytes(needed)} there")
