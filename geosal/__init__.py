"""geosal makes huge satellite scenes small without hurting what matters in them."""

from geosal import accessor as _accessor  # noqa: F401  registers DataArray.geosal
from geosal.array_api import saliency, write
from geosal.errors import (
    ClusterError,
    GeosalError,
    GeosalWarning,
    OutputError,
    ResourceError,
    SaliencyError,
    SceneError,
    UsageError,
    VerificationError,
)
from geosal.ladder import Ladder, effective_kernel
from geosal.pipeline import Progress, Summary, compress, run
from geosal.plan import Plan, make_plan
from geosal.recipe import Recipe
from geosal.scenes import open_scene
from geosal.smoothing import smooth
from geosal.verification import verify
from geosal.version import __version__

__all__ = [
    "ClusterError",
    "GeosalError",
    "GeosalWarning",
    "Ladder",
    "OutputError",
    "Plan",
    "Progress",
    "Recipe",
    "ResourceError",
    "SaliencyError",
    "SceneError",
    "Summary",
    "UsageError",
    "VerificationError",
    "__version__",
    "compress",
    "effective_kernel",
    "make_plan",
    "open_scene",
    "run",
    "saliency",
    "smooth",
    "verify",
    "write",
]
