"""How the pixels of a scene's files are coded: what lost samples once is seldom packed again without losing more."""

from dataclasses import dataclass

from rasterio.io import DatasetReader

from geosal.core.gdal_env import gdal_env
from geosal.core.open_raster import open_raster
from geosal.errors import SceneError
from geosal.scenes.base import AnyScene

_JPEG_2000 = frozenset({"JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID"})


@dataclass(frozen=True, slots=True)
class Coding:
    """A codec, as a file tells of it.

    Attributes
    ----------
    name
        Such as "JPEG 2000" or "DEFLATE"; "none" where pixels lie there as they are.
    is_lossy
        Samples were lost, as far as the headers tell: a JPEG 2000 of the reversible wavelet may have been cut as well.
    overviews
        The file has some.
    """

    name: str
    is_lossy: bool
    overviews: bool


def coding_of(scene: AnyScene) -> Coding | None:
    """Tell how the pixels of a scene's first file are coded; None where that cannot be read from its headers."""
    try:
        with gdal_env(), open_raster(scene.original.files[0], scene.drivers, alone=True) as dataset:
            name = _name(dataset)
            return Coding(name, _is_lossy(name, dataset), bool(dataset.overviews(1)))
    except SceneError:  # pixels and header lie apart
        return None


def _name(dataset: DatasetReader) -> str:
    if dataset.driver in _JPEG_2000:
        return "JPEG 2000"
    told = dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", "")
    if told:
        return "JPEG" if "JPEG" in told and "XL" not in told else str(told)
    return "none" if dataset.driver == "GTiff" else str(dataset.driver)


def _is_lossy(name: str, dataset: DatasetReader) -> bool:
    structure = dataset.tags(ns="IMAGE_STRUCTURE")
    error = structure.get("MAX_Z_ERROR", "0")
    return name == "JPEG" or structure.get("COMPRESSION_REVERSIBILITY") == "LOSSY" or error not in {"", "0"}
