"""geosal makes huge satellite scenes small without hurting what matters in them.

Names are imported when they are first used: xarray and dask take a second, and the command line needs neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from geosal.arrays import accessor as _accessor
from geosal.errors import (
    ClusterError,
    GeosalError,
    GeosalWarning,
    OutputError,
    ResourceError,
    SaliencyError,
    SceneError,
    TargetError,
    UsageError,
    VerificationError,
)
from geosal.version import __version__

if TYPE_CHECKING:
    from geosal.arrays.open_scene import open_scene
    from geosal.arrays.saliency import saliency
    from geosal.arrays.smooth import smooth
    from geosal.arrays.write import write
    from geosal.batch.run import Batch, compress_many
    from geosal.comparison import Comparison
    from geosal.core.ladder import Ladder, effective_kernel
    from geosal.core.progress import Progress
    from geosal.job.choices import Choices, plan_profiles
    from geosal.job.pipeline import compress, run
    from geosal.job.plan import Plan, make_plan
    from geosal.job.proof import compare, verify
    from geosal.job.recipe import Recipe
    from geosal.job.summary import Summary
    from geosal.reports.make import Report, report
else:
    _ROOMS = {
        "Batch": "batch.run",
        "Choices": "job.choices",
        "Comparison": "comparison",
        "Ladder": "core.ladder",
        "Plan": "job.plan",
        "Progress": "core.progress",
        "Recipe": "job.recipe",
        "Report": "reports.make",
        "Summary": "job.summary",
        "compare": "job.proof",
        "compress": "job.pipeline",
        "compress_many": "batch.run",
        "effective_kernel": "core.ladder",
        "make_plan": "job.plan",
        "open_scene": "arrays.open_scene",
        "plan_profiles": "job.choices",
        "report": "reports.make",
        "run": "job.pipeline",
        "saliency": "arrays.saliency",
        "smooth": "arrays.smooth",
        "verify": "job.proof",
        "write": "arrays.write",
    }
    """Where a name lives; the types above say the same to those who do not run the code."""

    def __getattr__(name: str) -> Any:
        """Import what is asked for (PEP 562)."""
        if name not in _ROOMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
        return found


__all__ = [
    "Batch",
    "Choices",
    "ClusterError",
    "Comparison",
    "GeosalError",
    "GeosalWarning",
    "Ladder",
    "OutputError",
    "Plan",
    "Progress",
    "Recipe",
    "Report",
    "ResourceError",
    "SaliencyError",
    "SceneError",
    "Summary",
    "TargetError",
    "UsageError",
    "VerificationError",
    "__version__",
    "compare",
    "compress",
    "compress_many",
    "effective_kernel",
    "make_plan",
    "open_scene",
    "plan_profiles",
    "report",
    "run",
    "saliency",
    "smooth",
    "verify",
    "write",
]


def __dir__() -> list[str]:
    return sorted(__all__)


_accessor.register_when_imported()
