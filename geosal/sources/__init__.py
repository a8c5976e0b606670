"""Where to look: saliency sources, and the one map that several of them make.

Index card
----------
- `open_saliency`: SOURCE texts and a scene's grid to a `Saliency`.
- `Saliency`: reads the combined map block by block, float32 (y, x) in [0, 1].
- `Source`: what a new kind of source must offer; `SOURCES` is the table it is written into.
- `Setting`: what a source is given when it is opened.

Rooms: `text` the grammar of SOURCE; `synthetic` and `perlin` the seed paper's masks; `raster` mask files, on `maskfile`
(pixels and values of one), `align` (scene pixel to mask pixel) and `resample`; `combine` the union of all.
"""

from geosal.sources.base import Setting, Source
from geosal.sources.combine import Saliency, open_saliency
from geosal.sources.text import SOURCES, SourceText

__all__ = ["SOURCES", "Saliency", "Setting", "Source", "SourceText", "open_saliency"]
