"""Seal an output while it is made: digests come from the blocks, and the claim from the plan."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from geosal.core.treatment import Bound
from geosal.files.swap import SEAL, beside
from geosal.job.plan import Plan
from geosal.job.tags import recipe_of
from geosal.job.task import BlockTask, task_of
from geosal.produce import Tags
from geosal.seals import Head, Seal, SealedTile, seal_tiles

_MOST_IN_TAGS = 8 * 1024
"""Characters of tiles that tags take. A GeoTIFF has room for 32 000 in all; with more, all its tags move to a file."""
_MOST_OTHERS = 16 * 1024
"""Characters that other tags may have then."""


@dataclass(slots=True)
class Sealing:
    """The seal of an output that is being made; nothing where the plan asks for none."""

    plan: Plan
    tiles: list[SealedTile] = field(default_factory=list)

    @property
    def task(self) -> BlockTask:
        """The task of the plan's blocks, which seals them."""
        task = task_of(self.plan)
        if self.plan.recipe.seal:
            by_band = self.plan.layout.nodata is not None or self.plan.scene.layout.nodata is None
            return replace(task, seal=partial(seal_tiles, whole=self.plan.profile.lossless, by_band=by_band))
        return task

    def take(self, tiles: Iterable[SealedTile]) -> None:
        """Take the tiles of a block."""
        self.tiles += tiles

    def tags(self, path: Path) -> Tags:
        """Complete the seal, and return its tags; where tags have no room for its tiles, a file beside `path` has them.

        Parameters
        ----------
        path
            The output in its work directory.
        """
        if not self.plan.recipe.seal:
            return {}
        seal = Seal.of(head_of(self.plan), self.tiles)
        others = _length_of_tags(self.plan) + 2 * len(seal.head_text) + len(str(recipe_of(self.plan)))
        room = sum(map(len, seal.lines)) <= _MOST_IN_TAGS and others <= _MOST_OTHERS
        if not room:
            beside(path, SEAL).write_text(seal.to_text(), encoding="ascii")
        return seal.to_tags(tiles=room)


def head_of(plan: Plan) -> Head:
    """Make the head of a plan's seal."""
    layout = plan.layout
    return Head(*layout.grid.shape, layout.count, layout.dtype, plan.profile.lossless, claim_of(plan))


def claim_of(plan: Plan) -> dict[str, Any]:
    """Tell as data what became of the pixels that are not salient, and what decided which are.

    Returns
    -------
    dict
        ``treatment`` and ``ladder`` as in the tags; ``errors``, the largest error of each level, where they are
        bounded, and whether that is ``errors_from`` the ``scene`` or the ``smoothed`` scene; ``saliency``, sources with
        the digests of their files; ``profile``; ``versions``.
    """
    treatment, recipe = plan.treatment, recipe_of(plan)
    bound: dict[str, Any] = {}
    if isinstance(treatment.then, Bound):
        errors = treatment.then.errors(plan.ladder.steps, plan.layout.dtype)
        bound = {"errors": list(errors), "errors_from": "smoothed" if treatment.smooth else "scene"}
    return {
        "treatment": str(treatment),
        "ladder": str(plan.ladder),
        **bound,
        "saliency": recipe["saliency"],
        "profile": recipe["profile"],
        "versions": recipe["versions"],
    }


def _length_of_tags(plan: Plan) -> int:
    """Count the characters of the scene's own tags, in all domains."""
    metadata = plan.layout.metadata
    every = [*metadata.tags.values(), *(tags for band in metadata.bands for tags in band.tags.values())]
    return sum(len(key) + len(text) for tags in every for key, text in tags.items())
