"""What a job may take over from one that was begun before: a finished output, or the blocks of a killed one."""

import json
import os
import warnings
from pathlib import Path
from typing import Any

from geosal.core.gdal_env import is_local
from geosal.core.provenance import recipe_text
from geosal.core.shared_raster import file_state
from geosal.errors import GeosalWarning, SceneError, UsageError
from geosal.job.plan import Plan, make_plan
from geosal.job.recall import recipe_in
from geosal.job.recipe import Recipe
from geosal.job.tags import recipe_of

_FOUND = frozenset({"treated", "written_with"})
"""Keys of a recipe whose values a search finds: before the work nobody knows them."""


def is_done(recipe: Recipe) -> bool:
    """Return whether the output of a recipe stands there, finished, and the same job would make it again.

    It must tell the recipe that this job would write into it: the same options, masks of the same digests, and the same
    versions of geosal and of the libraries. Local files of the scene must be those of the same name and size, and not
    younger than the output. Of a scene that is not local only the name is compared.

    Parameters
    ----------
    recipe
        The wish; whether it may overwrite makes no difference.

    Raises
    ------
    GeosalError
        As `make_plan`: the job cannot be done, whatever stands there.
    """
    if not os.path.exists(recipe.output):
        return False
    try:
        told = recipe_in(recipe.output)
    except (SceneError, UsageError):  # another file, or one of another geosal
        return False
    if told is None:
        return False
    with warnings.catch_warnings(action="ignore", category=GeosalWarning):  # the job warns, if it has to be done
        return _is_of(make_plan(recipe.patch(overwrite=True)), told)


def _is_of(plan: Plan, told: dict[str, Any]) -> bool:
    """Return whether a finished output tells the recipe of a plan, and its scene has not changed since."""
    text = recipe_text(recipe_of(plan))
    if text is None:
        return False
    wished = json.loads(text)
    apart = _FOUND if plan.recipe.targets else frozenset()
    if any(wished.get(key) != told.get(key) for key in (wished.keys() | told.keys()) - apart):
        return False
    output = Path(plan.recipe.output)
    made = (output / "zarr.json" if output.is_dir() else output).stat().st_mtime_ns
    return all(newest <= made for path in plan.scene.files if (newest := _changed(path)) is not None)


def _changed(path: str) -> int | None:
    """Return when a local file of a scene was changed, in ns; None of another."""
    state = file_state(path) if is_local(path) else None
    return None if state is None else max(state[1::2])
