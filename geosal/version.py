"""The version, for the package metadata and for the provenance tags; and those of the libraries that do the work."""

import sys
from functools import cache

__version__ = "0.1.0"

_WORKING = ("rasterio", "imagecodecs", "numpy")
"""Libraries that read, smooth or code pixels: another version of them may make other bytes."""
LIBRARIES = (
    *_WORKING, "affine", "click", "dask", "pillow", "pyogrio", "pyproj", "rio-cogeo", "rioxarray", "scipy", "shapely",
    "xarray", "zarr", "distributed", "onnx", "onnxruntime", "pyarrow", "torch",
)  # fmt: skip
"""Libraries that geosal uses; those of an extra come last."""


@cache
def installed(library: str) -> str | None:
    """Return the version of a library without importing it; None where it is not installed."""
    # Metadata take longer to read than a small job has; a library that is imported knows it.
    told = vars(sys.modules.get(library, object)).get("__version__")
    if isinstance(told, str):
        return told
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  only who asks pays for it

    try:
        return version(library)
    except PackageNotFoundError:
        return None


def made_by() -> dict[str, str]:
    """Versions of geosal, of Python and of the libraries that do the work, for documents that programs read.

    GDAL's is among them where rasterio is imported already.
    """
    found = {"geosal": __version__, "python": sys.version.split()[0]}
    if (rasterio := sys.modules.get("rasterio")) is not None:
        found["gdal"] = rasterio.__gdal_version__
    return found | {name: version for name in _WORKING if (version := installed(name)) is not None}
