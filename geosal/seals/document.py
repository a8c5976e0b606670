"""A seal as a document: a head with the claim, a line for each tile, and the root of all.

The root is that of a Merkle tree as in RFC 6962: its first leaf is the head, then come the tiles row by row. Whoever
knows the root can tell whether head and tiles are those of the job.
"""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import TextIOWrapper
from itertools import islice
from typing import Any, Self

from geosal.core.grid import Block
from geosal.core.provenance import SEAL, SEAL_CLAIM, SEAL_TILES
from geosal.files.atomic import open_plain
from geosal.files.swap import SEAL as SUFFIX
from geosal.seals.bitmaps import unpack
from geosal.seals.tiles import DIGEST, SIDE, SealedTile, leaf_of

SCHEMA = 1
_KEYS = {"geosal_seal": int, "side": int, "height": int, "width": int, "count": int, "dtype": str, "whole": bool,
         "claim": dict}  # fmt: skip
"""Keys of a head, and the types of their values."""
_LONGEST_HEAD = 2**16
_DEEPEST = 4
"""Levels of a claim."""
_ROOT = re.compile("[0-9a-f]{64}")
_OVER = 512
"""Bytes that a packed bitmap may have beyond its bits, and a line beyond its data."""


class SealError(ValueError):
    """A seal that is none, or was changed; the message is the cause alone."""


@dataclass(frozen=True)
class Head:
    """What a seal says of the file and of the job.

    Attributes
    ----------
    height, width, count, dtype
        Of the image.
    whole
        Whether the background is sealed, too.
    claim
        How the rest was treated: plain data, see `geosal.job.sealing.claim_of`.
    """

    height: int
    width: int
    count: int
    dtype: str
    whole: bool
    claim: Mapping[str, Any]

    def to_text(self) -> str:
        """Write it: one line of JSON in ASCII, the same for the same head."""
        told = {"geosal_seal": SCHEMA, "side": SIDE, **{name: getattr(self, name) for name in _FIELDS}}
        return json.dumps(told, separators=(",", ":"), ensure_ascii=True, allow_nan=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `to_text` has written, or anybody else.

        Raises
        ------
        SealError
            It is no head of a seal, or that of a newer geosal.
        """
        if len(text) > _LONGEST_HEAD:
            raise SealError(f"{len(text)} characters are no head of a seal")
        try:
            told = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SealError("its head is no JSON") from error
        if not isinstance(told, dict) or type(told.get("geosal_seal")) is not int:
            raise SealError("is no seal of geosal")
        if told["geosal_seal"] > SCHEMA:
            raise SealError("is a seal of a newer geosal")
        wrong = [name for name, kind in _KEYS.items() if type(told.get(name)) is not kind]
        if wrong or told.keys() != _KEYS.keys():
            raise SealError(f"its head is not as geosal writes it ({(wrong or ['a further key'])[0]})")
        if told["side"] != SIDE or min(told["height"], told["width"], told["count"]) < 1:
            raise SealError("its head has an impossible size")
        if not _is_plain(told["claim"], _DEEPEST):
            raise SealError("its claim is not as geosal writes it")
        return cls(**{name: told[name] for name in _FIELDS})

    @property
    def counts(self) -> tuple[int, int]:
        """Rows and columns, in tiles."""
        return -(-self.height // SIDE), -(-self.width // SIDE)

    def block(self, row: int, col: int) -> Block:
        """Return where a tile lies."""
        top, left = row * SIDE, col * SIDE
        return Block(top, left, min(SIDE, self.height - top), min(SIDE, self.width - left))


_FIELDS = ("height", "width", "count", "dtype", "whole", "claim")


@dataclass(frozen=True, eq=False)
class Seal:
    """A head and its tiles, row by row.

    Attributes
    ----------
    head_text
        The head as it was written.
    head
        The same, parsed.
    tiles
        One for each tile of the image.
    """

    head_text: str
    head: Head
    tiles: Sequence[SealedTile]

    @classmethod
    def of(cls, head: Head, tiles: Iterable[SealedTile]) -> Self:
        """Join the tiles of a job, in any order."""
        return cls(head.to_text(), head, sorted(tiles))

    @cached_property
    def root(self) -> str:
        """The root of the tree, in hexadecimal digits."""
        nodes = [hashlib.sha256(b"\0" + self.head_text.encode()).digest(), *(tile.leaf for tile in self.tiles)]
        while len(nodes) > 1:
            pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(nodes[::2], nodes[1::2], strict=False)]
            nodes = pairs + nodes[len(pairs) * 2 :]
        return nodes[0].hex()

    @property
    def lines(self) -> list[str]:
        """Each tile as text."""
        return [_as_line(tile.salient + tile.whole + tile.bitmap) for tile in self.tiles]

    def to_text(self) -> str:
        """Write it for a file."""
        return "\n".join([self.head_text, self.root, *self.lines, ""])

    def to_tags(self, *, tiles: bool) -> dict[str, str]:
        """Write it for tags, with the tiles or without."""
        tags = {SEAL: self.root, SEAL_CLAIM: self.head_text}
        return tags | {SEAL_TILES: " ".join(self.lines)} if tiles else tags

    @classmethod
    def of_tags(cls, tags: Mapping[str, str], image: Head) -> Self | None:
        """Read a seal from tags of the default domain; None where they do not hold all of it.

        Raises
        ------
        SealError
            See `parse`.
        """
        if SEAL_TILES not in tags or SEAL_CLAIM not in tags:
            return None
        return cls.parse(tags[SEAL_CLAIM], tags.get(SEAL, ""), tags[SEAL_TILES].split(" "), image)

    @classmethod
    def parse(cls, head_text: str, root: str, lines: Iterable[str], image: Head) -> Self:
        """Read a seal that anybody may have written.

        Parameters
        ----------
        head_text, root, lines
            Its parts.
        image
            Size, bands and type of the image that it is to be held against: so many lines are read and no more.

        Raises
        ------
        SealError
            It is no seal, it is the seal of another image, or not what its own root was made of.
        """
        head = Head.parse(head_text)
        for name in ("width", "height", "count", "dtype"):
            if getattr(head, name) != getattr(image, name):
                raise SealError(f"is of another image: {name} {getattr(head, name)!a:.40}, not {getattr(image, name)}")
        rows, cols = head.counts
        found = list(islice(lines, rows * cols + 1))
        if len(found) != rows * cols:
            raise SealError(f"has not the {rows * cols} tiles of its image")
        seal = cls(head_text, head, [_tile(line, head, *divmod(n, cols)) for n, line in enumerate(found)])
        if seal.root != root:
            raise SealError("was changed: it is not what its root was made of")
        return seal


def _is_plain(value: object, depth: int) -> bool:
    """Return whether a value of JSON is no deeper than that: others read it with functions that call themselves."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_is_plain(each, depth - 1) for each in inner)
    return True


def _as_line(data: bytes) -> str:
    """Write bytes in the alphabet for URLs, without ``=``: a tag that ends so GDAL's JPEG 2000 driver drops."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _tile(line: str, head: Head, row: int, col: int) -> SealedTile:
    try:
        data = base64.b64decode(line + "=" * (-len(line) % 4), altchars=b"-_", validate=True)
        digests = DIGEST * (1 + head.whole)
        salient, whole, bitmap = data[:DIGEST], data[DIGEST:digests], data[digests:]
        which = unpack(bitmap, head.block(row, col).shape)
    except ValueError as error:
        raise SealError(f"its tile {col}, {row} cannot be read ({error})") from error
    if len(data) < digests:
        raise SealError(f"its tile {col}, {row} is too short")
    return SealedTile(row, col, salient, whole, bitmap, leaf_of(which, salient, whole))


def read_file(path: str, image: Head) -> Seal:
    """Read the file of a seal, whoever wrote it; of a large file no more than a seal of `image` can have.

    Raises
    ------
    OSError
        The file cannot be read.
    SealError
        See `Seal.parse`.
    """
    rows, cols = image.counts
    most = _LONGEST_HEAD + rows * cols * (4 * (2 * DIGEST + SIDE**2 // 8) // 3 + _OVER)
    size = os.path.getsize(path)
    if size > most:
        raise SealError(f"{size} bytes are no seal of this image")
    with TextIOWrapper(open_plain(path), encoding="ascii", errors="replace") as file:
        head, root = file.readline(_LONGEST_HEAD + 1).rstrip("\n"), file.readline(_OVER).rstrip("\n")
        return Seal.parse(head, root, (line.rstrip("\n") for line in file), image)


def seal_file_of(path: str) -> str:
    """Return where the seal of an output lies beside it."""
    return path.rstrip("/") + SUFFIX


def is_seal_file(path: str) -> bool:
    """Return whether a path is a file that begins as a seal does, and no raster.

    Raises
    ------
    OSError
        There is no such file.
    """
    if os.path.isdir(path):
        return False
    with open_plain(path) as file:
        return file.read(1) == b"{"


def is_root(text: str) -> bool:
    """Return whether a text is the root of some seal."""
    return _ROOT.fullmatch(text) is not None
