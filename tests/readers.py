"""Which libraries of this environment read a store of ours: a row of a table for each, with its version.

    geosal compress scene.tif smaller.zarr --saliency uniform:saliency=1
    python tests/readers.py smaller.zarr scene.tif

The pixels have to be those of the scene; what docs/how-to/zarr.md says was made so. `formats/zarr/test_browser.py` is
the same for OpenLayers.
"""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import rasterio


def _group(store: Path) -> str:
    """The group of the full resolution: the root, or 0 with LEVELS=GROUPS."""
    return "" if (store / "image").is_dir() else "0"


def _zarr(store: Path) -> Any:
    return import_module("zarr").open_group(store, mode="r")[f"{_group(store)}/image".lstrip("/")][:]


def _xarray(store: Path) -> Any:
    opened = import_module("xarray").open_zarr(store, group=_group(store) or None, mask_and_scale=False)
    return opened.image.values


def _rioxarray(store: Path) -> Any:
    import_module("rioxarray")
    opened = import_module("xarray").open_zarr(store, group=_group(store) or None, mask_and_scale=False).image
    assert opened.rio.crs is not None, "no CRS"
    return opened.values


def _odc(store: Path) -> Any:
    import_module("odc.geo.xr")
    opened = import_module("xarray").open_zarr(store, group=_group(store) or None, mask_and_scale=False).image
    assert opened.odc.geobox.crs is not None, "no CRS"
    return opened.values


def _gdal(store: Path) -> Any:
    with rasterio.open(store / _group(store) / "image") as dataset:
        assert dataset.crs is not None, "no CRS"
        return dataset.read()


def _toolkit(store: Path) -> Any:
    helpers = import_module("geozarr_toolkit.helpers")
    group = import_module("zarr").open_group(store, mode="r")
    conventions = helpers.detect_conventions(dict(group.attrs))
    faults = {name: found for name, found in helpers.validate_group(group, conventions).items() if found}
    fine, missing = helpers.validate_multiscales_structure(group)
    assert not faults, faults
    assert fine, missing


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "zarr": ("zarr-python", _zarr),
    "xarray": ("xarray", _xarray),
    "rioxarray": ("rioxarray, with its CRS", _rioxarray),
    "odc-geo": ("odc-geo, with its CRS", _odc),
    "rasterio": (f"GDAL {rasterio.__gdal_version__} (rasterio), with its CRS", _gdal),
    "geozarr-toolkit": ("geozarr-toolkit validates", _toolkit),
}


def rows(store: Path, scene: Path) -> Iterator[str]:
    """Yield a row for each reader that is installed."""
    with rasterio.open(scene) as dataset:
        expected = dataset.read()
    for package, (name, read) in READERS.items():
        try:
            found, told = read(store), version(package)
        except ModuleNotFoundError:
            continue
        except Exception as error:  # noqa: BLE001  whatever it is, that reader fails
            yield f"| {name} {version(package)} | no: {' '.join(str(error).split())[:70]} |"
            continue
        yield f"| {name} {told} | {'yes' if found is None or np.array_equal(found, expected) else 'OTHER PIXELS'} |"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{row}\n" for row in rows(Path(sys.argv[1]), Path(sys.argv[2]))))
