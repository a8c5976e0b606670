"""Digests of the tiles of a seal: squares of the grid, whatever the tiles of the file are.

The digest is SHA-256: it is in every language's standard library, masks are named by it in recipes, and processors have
instructions for it (1.9 GB/s here; BLAKE2b made 1.3 GB/s).
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.seals.bitmaps import pack

SIDE = 512
"""Rows and columns of a tile of a seal; every block of a sealed job consists of whole ones."""
DIGEST = hashlib.sha256().digest_size


class SealedTile(NamedTuple):
    """What a seal knows of one tile."""

    row: int
    """Row of the tile, counted in tiles."""
    col: int
    salient: bytes
    """Digest of the salient samples: by band, then by row, little-endian; then which are valid, unless all are."""
    whole: bytes
    """Digest of all samples, in the same order; empty where the codec may change the background."""
    bitmap: bytes
    """Which pixels are salient, as `geosal.seals.bitmaps` writes it; empty for none."""
    leaf: bytes
    """Digest of all of this: the tile's leaf in the tree."""

    def to_plain(self) -> list[Any]:
        """Return plain data, for the journal of a job."""
        return [self.row, self.col, *(each.hex() for each in self[2:])]

    @classmethod
    def of_plain(cls, plain: Sequence[Any]) -> Self:
        """Read what `to_plain` has returned."""
        row, col, *digests = plain
        return cls(row, col, *map(bytes.fromhex, digests))


def seal_tiles(
    block: Block,
    pixels: NDArray[Any],
    valid: NDArray[np.bool_] | None,
    salient: NDArray[np.bool_],
    *,
    whole: bool,
    by_band: bool = True,
) -> tuple[SealedTile, ...]:
    """Seal the tiles of a block.

    Parameters
    ----------
    block
        Position in pixels of the image; it begins and ends at edges of tiles, or at the image's.
    pixels
        (band, y, x), as a reader of the file will see them.
    valid
        (band, y, x), which samples count; None for all.
    salient
        (y, x), True where every sample is kept bit for bit.
    whole
        Whether all other samples are kept as they are here, too.
    by_band
        Whether the file tells of each band which samples are valid. A mask that stands for nodata does not: there all
        samples of a salient pixel are.
    """
    valid = valid if by_band else None
    return tuple(_sealed(block, part, pixels, valid, salient, whole=whole) for part in _tiles_of(block))


def _sealed(
    block: Block,
    part: Block,
    pixels: NDArray[Any],
    valid: NDArray[np.bool_] | None,
    salient: NDArray[np.bool_],
    *,
    whole: bool,
) -> SealedTile:
    inside = part.slices_in(block)
    samples, which = pixels[:, *inside], salient[inside]
    count = None if valid is None else valid[:, *inside]
    digests = digest_where(samples, count, which), digest_of(samples) if whole else b""
    return SealedTile(part.row_off // SIDE, part.col_off // SIDE, *digests, pack(which), leaf_of(which, *digests))


def _tiles_of(block: Block) -> Iterator[Block]:
    for row in range(block.row_off, block.row_stop, SIDE):
        for col in range(block.col_off, block.col_stop, SIDE):
            yield Block(row, col, min(SIDE, block.row_stop - row), min(SIDE, block.col_stop - col))


def digest_where(pixels: NDArray[Any], valid: NDArray[np.bool_] | None, which: NDArray[np.bool_]) -> bytes:
    """Make the digest of the samples (band, y, x) of some pixels (y, x), and of their validity unless all are valid."""
    digest, some = hashlib.sha256(), not which.all()
    if not which.any():
        return digest.digest()
    for band in pixels:
        digest.update(_little(band[which] if some else band))
    if valid is not None and not (count := valid[:, which]).all():
        digest.update(np.packbits(count).data)
    return digest.digest()


def digest_of(pixels: NDArray[Any]) -> bytes:
    """Make the digest of all samples (band, y, x)."""
    digest = hashlib.sha256()
    for band in pixels:
        digest.update(_little(band))
    return digest.digest()


def leaf_of(which: NDArray[np.bool_], salient: bytes, whole: bytes) -> bytes:
    """Make the leaf of a tile from its salient pixels (y, x), as bits in rows of whole bytes, and its digests."""
    return hashlib.sha256(b"\0" + np.packbits(which, axis=1).tobytes() + salient + whole).digest()


def _little(samples: NDArray[Any]) -> memoryview:
    """Return samples as bytes in one order, whatever the machine's."""
    return np.ascontiguousarray(samples, samples.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
