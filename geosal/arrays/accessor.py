"""`DataArray.geosal` and `Dataset.geosal`: the core's functions, one call each. The core never uses this.

xarray takes longer to import than a small job to run, and the command line does not need it. So ``import geosal`` does
not import xarray: the accessor is registered as soon as xarray is imported, before or after geosal.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Unpack, cast

if TYPE_CHECKING:
    import os
    from importlib.abc import Loader

    import xarray as xr

    from geosal.arrays.saliency import SaliencyOptions
    from geosal.arrays.write import WriteOptions
    from geosal.comparison import Comparison
    from geosal.core.bars import Reporting
    from geosal.core.ladder import Ladder
    from geosal.job.recipe import JobOptions
    from geosal.job.summary import Summary
    from geosal.scenes import ReadingOptions
    from geosal.verification import Checks

_XARRAY = "xarray"


class _Accessor:
    """geosal's functions on a scene, one call each."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene

    def __dir__(self) -> list[str]:
        return sorted(name for name in super().__dir__() if not name.startswith("_"))

    def __repr__(self) -> str:
        from geosal.arrays.about import About

        return repr(About(self._scene, dir(self)))

    def _repr_html_(self) -> str:
        from geosal.arrays.about import About

        return About(self._scene, dir(self))._repr_html_()

    def saliency(self, sources: object, **options: "Unpack[SaliencyOptions]") -> "xr.DataArray":
        """Saliency on this scene's grid; see `geosal.saliency`."""
        from geosal.arrays.saliency import saliency  # heavy, as in the methods below

        return saliency(sources, self._scene, **options)

    def rgb(
        self, bands: "str | Sequence[str] | None" = None, *, stretch: str = "percentile:2-98", size: int = 1024
    ) -> "xr.DataArray":
        """Make a small picture of this scene, (y, x, rgb) uint8; see `geosal.arrays.look.rgb`."""
        from geosal.arrays.look import rgb

        return rgb(self._scene, bands, stretch=stretch, size=size)

    def plot(
        self,
        bands: "str | Sequence[str] | None" = None,
        *,
        saliency: object = None,
        ladder: "Ladder | None" = None,
        at: tuple[int, int] | None = None,
        figure: Any = None,
        **imshow: Any,
    ) -> Any:
        """Draw a small picture of this scene with matplotlib; with a `saliency`, what that does to it.

        Parameters
        ----------
        bands
            Three bands, or one, by name, role or number; by default red, green and blue, or the first.
        saliency
            Anything that `geosal.saliency` takes. Then four pictures are drawn: the scene, its saliency, and a part
            of at most 160 x 160 pixels before and after smoothing.
        ladder, at, figure
            See `geosal.arrays.before_after.plot_before_after`; they go with a saliency.
        **imshow
            Without a saliency: ``stretch`` and ``size``, as `geosal.arrays.look.rgb`, and what xarray's
            ``plot.imshow`` takes, such as ``ax``.

        Returns
        -------
        matplotlib.image.AxesImage, or dict of matplotlib.axes.Axes
            The picture; with a saliency ``scene``, ``saliency``, ``before`` and ``after``.

        Examples
        --------
        >>> scene = geosal.open_scene("scene.tif")
        >>> scene.geosal.plot().axes.get_aspect()
        1.0
        >>> list(scene.geosal.plot(saliency="mask.tif"))
        ['scene', 'saliency', 'before', 'after']
        """
        if saliency is None:
            from geosal.arrays.look import plot

            return plot(self._scene, bands, **imshow)
        from geosal.arrays.before_after import plot_before_after

        return plot_before_after(self._scene, saliency, bands, ladder=ladder, at=at, figure=figure, **imshow)

    def write(
        self,
        path: "str | os.PathLike[str]",
        *,
        progress: "Reporting" = None,
        **options: "Unpack[WriteOptions]",
    ) -> str:
        """Write this scene as a COG, a JPEG2000, a Zarr store, a JPEG, a PNG or a BPG; see `geosal.write`."""
        from geosal.arrays.write import write

        return write(self._scene, path, progress=progress, **options)

    def compress(
        self,
        output: "str | os.PathLike[str]",
        saliency: object,
        *,
        progress: "Reporting" = None,
        **options: "Unpack[JobOptions]",
    ) -> "Summary":
        """Treat this scene by its saliency and write it: the main job; see `geosal.arrays.compress.compress`."""
        from geosal.arrays.compress import compress

        return compress(self._scene, output, saliency, progress=progress, **options)

    def compare(
        self,
        candidate: "xr.DataArray | xr.Dataset | str | os.PathLike[str]",
        saliency: object = None,
        *,
        ladder: "Ladder | None" = None,
        data_range: float | None = None,
        error_map: "str | os.PathLike[str] | None" = None,
        progress: "Reporting" = None,
        **reading: "Unpack[ReadingOptions]",
    ) -> "Comparison":
        """Compare this scene with another array or a file; see `geosal.compare`."""
        from geosal.arrays.compare import compare

        return compare(
            self._scene,
            candidate,
            saliency,
            ladder=ladder,
            data_range=data_range,
            error_map=error_map,
            progress=progress,
            **reading,
        )

    def verify(
        self,
        output: "str | os.PathLike[str]",
        saliency: object = None,
        *,
        ladder: "Ladder | None" = None,
        steps: int | None = None,
        progress: "Reporting" = None,
        **reading: "Unpack[ReadingOptions]",
    ) -> "Checks":
        """Check a file that was made of this scene; see `geosal.verify`."""
        from geosal.arrays.verify import verify

        return verify(self._scene, output, saliency, ladder=ladder, steps=steps, progress=progress, **reading)


class GeosalAccessor(_Accessor):
    """`DataArray.geosal`."""

    def smooth(self, saliency: object, ladder: "Ladder | None" = None) -> "xr.DataArray":
        """Smooth this scene by a saliency map; see `geosal.smooth`."""
        from geosal.arrays.smooth import smooth

        array: xr.DataArray = smooth(self._scene, saliency, ladder)
        return array


class GeosalDatasetAccessor(_Accessor):
    """`Dataset.geosal`: variables are bands."""

    def smooth(self, saliency: object, ladder: "Ladder | None" = None) -> "xr.Dataset":
        """Smooth each variable by a saliency map; see `geosal.smooth`."""
        from geosal.arrays.smooth import smooth

        dataset: xr.Dataset = smooth(self._scene, saliency, ladder)
        return dataset


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
        xarray.register_dataset_accessor("geosal")(GeosalDatasetAccessor)


class _Finder:
    """Import finder that finds xarray once, by the other finders, to learn when it is imported."""

    def __init__(self) -> None:
        self._asking = False
        """Whether the others are being asked: one of them may ask all finders in its turn, and so this one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return xarray's own specification with a loader that registers the accessor at the end."""
        if fullname != _XARRAY or self._asking:
            return None
        others = (finder for finder in list(sys.meta_path) if finder is not self)
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        self._asking = True
        try:
            spec = next((spec for spec in specs if spec is not None), None)
        finally:
            self._asking = False
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
