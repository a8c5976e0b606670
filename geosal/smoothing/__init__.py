"""THE OPERATOR: Gaussian smoothing whose width follows the saliency. Arrays in, arrays out; no files."""

from typing import TYPE_CHECKING, Any

from geosal.smoothing.block import smooth_block

if TYPE_CHECKING:
    from geosal.smoothing.lazy import smooth
else:

    def __getattr__(name: str) -> Any:
        """Import `smooth` when it is asked for: it needs xarray and dask, and jobs do not."""
        if name != "smooth":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from geosal.smoothing.lazy import smooth  # noqa: PLC0415

        return smooth


__all__ = ["smooth", "smooth_block"]
