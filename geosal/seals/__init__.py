"""THE SEAL: digests of what matters in a file, by which it can be checked later without the scene it was made of.

Index card
----------
- `seal_tiles`: digests of the tiles of a block, from its pixels.
- `Seal`: all tiles of a file with the claim of its job, and their root; written for tags or for a file beside.
- `read_file`, `Seal.of_tags`: read again what anybody may have written.

Rooms: `bitmaps` tells which pixels are salient; `tiles` makes digests; `document` joins them to a seal. All take arrays
and texts, no rasters.
"""

from geosal.seals.document import Head, Seal, SealError, read_file
from geosal.seals.tiles import SIDE, SealedTile, seal_tiles

__all__ = ["SIDE", "Head", "Seal", "SealError", "SealedTile", "read_file", "seal_tiles"]
