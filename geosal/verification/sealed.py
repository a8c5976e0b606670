"""Check a file against its seal: what matters is as it was, and no original is needed to tell."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from geosal.core import provenance
from geosal.core.gdal_env import is_local
from geosal.errors import SceneError, UsageError
from geosal.scenes import NO_LIMIT, AnyScene, Reading, open_input
from geosal.seals import Head, Seal, SealedTile, SealError, read_file
from geosal.seals.bitmaps import unpack
from geosal.seals.document import is_root, is_seal_file, seal_file_of
from geosal.seals.tiles import digest_of, digest_where
from geosal.sizes import counted
from geosal.verification.check import Check

_LISTED = 3
"""Number of changed tiles that are listed in words; the facts of the check have all."""
_OF_THE_WRITER = {"layout", "overviews", "provenance", "sidecar"}
"""Checks of what a program that writes the file anew does in its own way."""
_CLAIMED = {"treatment": provenance.TREATMENT, "ladder": provenance.LADDER}
"""Keys of a claim, and the tags that say the same."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the user knows of a seal.

    Attributes
    ----------
    path
        File of the seal, or an output whose tags hold it; None to look in the file and beside it.
    root
        Its root, known from elsewhere; None to believe the one in the file.
    """

    path: str | None = None
    root: str | None = None

    def __post_init__(self) -> None:
        if self.root is not None and not is_root(self.root):
            raise UsageError(f"root {self.root!a:.80}: is no root of a seal, which has 64 hexadecimal digits")


@dataclass(slots=True)
class _Changes:
    """Tiles that are not as they were."""

    salient: list[SealedTile] = field(default_factory=list)
    background: list[SealedTile] = field(default_factory=list)
    pixels: int = 0
    """Salient pixels."""
    with_salient: int = 0
    """Tiles that hold some."""


def check_seal(found: AnyScene, asked: Pinned) -> Iterator[Check]:
    """Hold a file against its seal, in its tags, beside it or where the user says; no check where there is none.

    Parameters
    ----------
    found
        The file.
    asked
        Which seal, and its root.

    Yields
    ------
    Check
        ``seal``: the seal is whole, of this file and of that root. ``sealed``: what matters is as it was; its
        facts have ``root``, ``claim``, ``tiles``, ``tiles_with_salient``, ``salient_pixels`` and ``changed``, windows
        (column, row, width, height) of the tiles that are not. ``background``: the rest is, too; ``changed`` as well.
    """
    tags = _tags(found)
    if provenance.SEAL not in tags and asked == Pinned() and not os.path.isfile(seal_file_of(found.path)):
        return
    image = Head(*found.layout.grid.shape, found.layout.count, found.layout.dtype, whole=True, claim={})
    try:
        seal = _find(found, image) if asked.path is None else _named(asked.path, image)
    except SealError as error:
        yield Check.of("seal", [str(error)])
        return
    if seal is None:
        yield _missing(found, tags, asked)
        return
    faults = list(_seal_faults(seal, tags, asked))
    sure = "the root that you named" if asked.root else "its own root: whoever knows it from elsewhere names it, --root"
    yield Check.of("seal", faults, f"{seal.root}, {sure}")
    if not faults:
        yield from _pixel_checks(found, seal)


def _missing(found: AnyScene, tags: Mapping[str, str], asked: Pinned) -> Check:
    if provenance.SEAL not in tags:
        return Check.of("seal", ["the file has none; name one that lies elsewhere: --seal FILE"])
    if asked.root is not None and tags[provenance.SEAL] != asked.root:
        return Check.of("seal", [f"its root is {tags[provenance.SEAL]!a:.70}, not {asked.root}"])
    return Check.skip(
        "seal", f"its digests lie in {seal_file_of(found.path)}, which is not there; name it: --seal FILE"
    )


def _find(found: AnyScene, image: Head) -> Seal | None:
    """Find the seal of an image in a file's tags, or beside it."""
    seal = Seal.of_tags(_tags(found), image)
    if seal is not None:
        return seal
    try:
        return read_file(seal_file_of(found.path), image)
    except OSError:
        return None


def _named(path: str, image: Head) -> Seal:
    """Read a seal that the user has named: its file, or an output that has it in its tags or beside it.

    Raises
    ------
    SceneError
        There is none.
    """
    try:
        if is_local(path) and is_seal_file(path):
            return read_file(path, image)
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror}); name the file of a seal") from error
    other = open_input(path, Reading(max_pixels=NO_LIMIT))
    seal = _find(other, image)
    if seal is None:
        raise SceneError(f"{path}: has no seal; name the file of a seal, such as {seal_file_of(path)}")
    return seal


def _tags(found: AnyScene) -> Mapping[str, str]:
    return found.layout.metadata.tags.get("", {})


def _seal_faults(seal: Seal, tags: Mapping[str, str], asked: Pinned) -> Iterator[str]:
    """Tell how a seal differs from what is known of it: its root, and tags that say the same as its claim."""
    if asked.root is not None and seal.root != asked.root:
        yield f"its root is {seal.root}, not {asked.root}"
    said = tags.get(provenance.SEAL)
    if said is not None and said != seal.root:
        yield f"its root is {seal.root}, and the file says {said!a:.70}"
    for key, tag in _CLAIMED.items():
        claimed = seal.head.claim.get(key)
        if tag in tags and tags[tag] != claimed:
            yield f"it claims {key} {claimed!a:.60}, and the file says {tags[tag]!a:.60}"


def _pixel_checks(found: AnyScene, seal: Seal) -> Iterator[Check]:
    try:
        changes = _compare(found, seal)
    except SceneError as error:
        yield Check("sealed", ok=False, detail=f"cannot be read: {error}")
        return
    head, number = seal.head, len(seal.tiles)
    facts = {
        "root": seal.root,
        "claim": dict(head.claim),
        "tiles": number,
        "tiles_with_salient": changes.with_salient,
        "salient_pixels": changes.pixels,
        "changed": _windows(head, changes.salient),
    }
    fine = f"what matters is unchanged: {number} of {counted(number, 'tile')}, {changes.pixels} pixels of saliency 1"
    yield Check.of("sealed", _told(head, changes.salient, "what matters changed"), fine, facts)
    if not head.whole:
        return
    facts = {"tiles": number, "changed": _windows(head, changes.background)}
    what = "the background changed" if changes.salient else "the background changed, what matters did not,"
    yield Check.of("background", _told(head, changes.background, what), "the rest is unchanged, too", facts)


def _compare(found: AnyScene, seal: Seal) -> _Changes:
    """Read the file tile by tile."""
    changes, head = _Changes(), seal.head
    for tile in seal.tiles:
        block = head.block(tile.row, tile.col)
        salient = unpack(tile.bitmap, block.shape)
        pixels, valid, _ = found.read(block)
        number = int(np.count_nonzero(salient))
        changes.pixels += number
        changes.with_salient += number > 0
        if digest_where(pixels, valid, salient) != tile.salient:
            changes.salient.append(tile)
        elif head.whole and digest_of(pixels) != tile.whole:
            changes.background.append(tile)
    return changes


def _windows(head: Head, tiles: list[SealedTile]) -> list[list[int]]:
    """Return where tiles lie: column, row, width, height in pixels."""
    blocks = [head.block(tile.row, tile.col) for tile in tiles]
    return [[block.col_off, block.row_off, block.width, block.height] for block in blocks]


def _told(head: Head, tiles: list[SealedTile], what: str) -> list[str]:
    if not tiles:
        return []
    rows, cols = head.counts
    places = [f"({tile.col}, {tile.row}), {head.block(tile.row, tile.col)}" for tile in tiles[:_LISTED]]
    more = f"; and {len(tiles) - _LISTED} more" if len(tiles) > _LISTED else ""
    return [f"{what} in {len(tiles)} of {counted(rows * cols, 'tile')}: {'; '.join(places)}{more}"]


def as_rewritten(checks: Sequence[Check]) -> list[Check]:
    """Let a file that has a seal, whole and of its image, be one that another program has written anew.

    Its layout, overviews and tags are that program's, and geosal promises nothing of them.
    """
    if not any(check.name == "seal" and check.ok and check.checked for check in checks):
        return list(checks)
    return [
        Check.skip(
            check.name,
            f"not as geosal leaves it, as where another program has written it anew: {check.detail}",
            promised=False,
        )
        if check.name in _OF_THE_WRITER and not check.ok
        else check
        for check in checks
    ]
