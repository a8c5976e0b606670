"""`DataArray.geosal`: the core's functions, one call each. The core never uses this.

xarray takes longer to import than a small job to run, and the command line does not need it. So ``import geosal`` does
not import xarray: the accessor is registered as soon as xarray is imported, before or after geosal.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import os
    from importlib.abc import Loader

    import xarray as xr

    from geosal.comparison import Comparison
    from geosal.core.ladder import Ladder
    from geosal.produce import ProgressCallback

_XARRAY = "xarray"


class GeosalAccessor:
    """geosal's functions on a scene."""

    def __init__(self, scene: "xr.DataArray") -> None:
        self._scene = scene

    def saliency(self, sources: str | Sequence[str], **options: Any) -> "xr.DataArray":
        """Return the saliency on this scene's grid; see `geosal.saliency`."""
        from geosal.arrays import api  # heavy, as in the methods below

        return api.saliency(sources, like=self._scene, **options)

    def smooth(self, saliency: "xr.DataArray", ladder: "Ladder | None" = None) -> "xr.DataArray":
        """Smooth this scene by a saliency map; see `geosal.smooth`."""
        from geosal.arrays.smooth import smooth

        return smooth(self._scene, saliency, ladder)

    def write(
        self, path: "str | os.PathLike[str]", *, progress: "ProgressCallback | None" = None, **options: Any
    ) -> str:
        """Write this array as a COG, a JPEG2000 or a Zarr store; see `geosal.write`."""
        from geosal.arrays import api

        return api.write(self._scene, path, progress=progress, **options)

    def compare(
        self,
        candidate: "str | os.PathLike[str]",
        saliency: "str | Sequence[str] | None" = None,
        **options: Any,
    ) -> "Comparison":
        """Compare the bands of this scene, as they are in its file, with a candidate; see `geosal.compare`.

        Raises
        ------
        UsageError
            The array was not opened by `geosal.open_scene`, or is a part of its file.
        """
        from geosal.arrays.comparing import compare

        return compare(self._scene, candidate, saliency, **options)


def register_when_imported() -> None:
    """Register `DataArray.geosal` now if xarray is already imported, else at the end of its import."""
    if _XARRAY in sys.modules:
        import xarray  # waits if another thread is importing it

        _register(xarray)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _register(xarray: ModuleType) -> None:
    if not hasattr(xarray.DataArray, "geosal"):
        xarray.register_dataarray_accessor("geosal")(GeosalAccessor)


class _Finder:
    """Import finder that finds xarray once, by the other finders, to learn when it is imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return xarray's own specification with a loader that registers the accessor at the end."""
        if fullname != _XARRAY:
            return None
        others = (finder for finder in list(sys.meta_path) if finder is not self)
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _Loader(spec.loader, self))
        return spec


class _Loader:
    """xarray's own loader, with one more step."""

    def __init__(self, own: "Loader", finder: _Finder) -> None:
        self._own = own
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Make the module as its own loader does."""
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then register; the module keeps no trace of this loader."""
        module.__loader__ = self._own
        if module.__spec__ is not None:
            module.__spec__.loader = self._own
        self._own.exec_module(module)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        _register(module)
