"""What a job may take over from one that was begun before: a finished output, or the blocks of a killed one."""

import hashlib
import json
import os
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from geosal.core.cluster.code import digest_of_code
from geosal.core.gdal_env import is_local
from geosal.core.provenance import SEAL, SEAL_TILES, read_recipe, recipe_text
from geosal.core.shared_raster import file_state
from geosal.errors import GeosalWarning, SceneError, UsageError, redact
from geosal.files.leftovers import leftovers
from geosal.files.swap import ITEM, beside
from geosal.files.swap import SEAL as SEALED
from geosal.job.plan import Plan, in_blocks, make_plan
from geosal.job.recall import tags_in
from geosal.job.recipe import Recipe
from geosal.job.settings import basis_of
from geosal.job.tags import recipe_of
from geosal.sources.text import base_name

_FOUND = frozenset({"treated", "written_with"})
"""Keys of a recipe whose values a search finds: before the work nobody knows them."""


def is_done(recipe: Recipe) -> bool:
    """Return whether the output of a recipe stands there, finished, and the same job would make it again.

    It must tell the recipe that this job would write into it: the same options, masks of the same digests, and the same
    versions of geosal and of the libraries. Local files of the scene must be those of the same name and size, and not
    younger than the output. Of a scene that is not local only the name is compared. What lies beside the output must be
    there: the tiles of its seal, and an item with the place and time that the job would tell.

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
        tags = tags_in(recipe.output)
        told = read_recipe(tags)
    except (SceneError, UsageError):  # another file, or one of another geosal
        return False
    if told is None or recipe.seal != (SEAL in tags) or _lacks_tiles(recipe.output, tags):
        return False
    with warnings.catch_warnings(action="ignore", category=GeosalWarning):  # the job warns, if it has to be done
        plan = make_plan(recipe.patch(overwrite=True))
    return _has_item(plan) and _is_of(plan, told)


def identity_of(plan: Plan) -> dict[str, Any]:
    """Tell what the bytes of a job's output depend on, each thing by a name for the user.

    Where blocks are worked on, and by how many workers, makes no difference. The texts hold no folders.

    Parameters
    ----------
    plan
        Plan of the job, before a search.

    Returns
    -------
    dict
        Plain data.
    """
    told = recipe_of(plan)
    versions, code = told.pop("versions"), digest_of_code()
    sources = [f"{each['source']} ({each['sha256'][:12]})" if "sha256" in each else each["source"]
               for each in told.pop("saliency")]  # fmt: skip
    files = {redact(base_name(path)): _state_of(path) for path in plan.scene.files}
    layout = hashlib.sha256(repr((plan.scene.original.layout, plan.layout)).encode()).hexdigest()
    return {
        "output": os.path.basename(plan.recipe.output),
        **versions,
        "geosal's code": code[:12],
        **files,
        "the scene's header": layout[:12],
        "saliency": sources,
        **{key: _flat(value) for key, value in sorted(told.items())},
        "seal": plan.recipe.seal,
        "block": plan.block,
    }


def as_begun(plan: Plan) -> Plan:
    """Give a plan the blocks of a killed job whose work it can go on with, unless the user has named their size.

    Another number of workers, or another limit of memory, could lead to others.
    """
    if plan.recipe.block is not None:
        return plan
    identity = identity_of(plan)
    for left in leftovers(plan.recipe.output):
        block = left.before.identity.get("block")
        if isinstance(block, int) and left.before.identity == json.loads(json.dumps(identity | {"block": block})):
            return plan if block == plan.block else in_blocks(plan, block)
    return plan


def _lacks_tiles(output: str, tags: Mapping[str, str]) -> bool:
    """Return whether an output is sealed, and the digests of its tiles are neither in its tags nor beside it."""
    return SEAL in tags and SEAL_TILES not in tags and not beside(Path(output), SEALED).is_file()


def _has_item(plan: Plan) -> bool:
    """Return whether the STAC item that a plan asks for lies beside its output, and tells the same place and time."""
    if not plan.recipe.stac:
        return True
    from geosal.stac.digests import read_item

    item, basis = read_item(beside(Path(plan.recipe.output), ITEM)), basis_of(plan.recipe, plan.scene)
    told = item.get("properties") if isinstance(item, dict) else None
    wished = json.loads(json.dumps(basis.properties))
    return isinstance(told, dict) and all(told.get(key) == value for key, value in wished.items())


def _state_of(path: str) -> str:
    """Tell the state of a scene's file: its size and time, and a digest of its content, as far as it is looked at."""
    state = file_state(path) if is_local(path) else None
    if state is None:
        return "not local"
    time = datetime.fromtimestamp(max(state.stamps[1::2]) / 1e9, UTC).isoformat()
    text, digest = f"{state.stamps[0]} bytes of {time}", state.digest()
    return text if digest is None else f"{text} ({digest[:12]})"


def _flat(value: Any) -> Any:
    """Write options as texts."""
    return [f"{key}={each}" for key, each in value.items()] if isinstance(value, dict) else value


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
    return None if state is None else max(state.stamps[1::2])
