"""Where to look: saliency sources, and the one map that several of them make.

Index card
----------
- `open_saliency`: SOURCE texts and a scene's grid to a `Saliency`.
- `Saliency`: reads the combined map block by block, float32 (y, x) in [0, 1].
- `Source`: what a new kind of source must offer; `SOURCES` is the table that it is written into.
- `OpenContext`: what a source is given when it is opened.

The frame: `text` is the grammar of SOURCE, `table` who opens which, `registry` finds and imports the class, `plugins`
are other packages' sources, `listing` is what `geosal sources` prints, `combine` unites all, `length` reads distances
and knows how large a pixel is.

- `patterns/`: `synthetic` and `perlin`, the patterns of the seed paper.
- `masks/`: `raster_source` on `raster_file` (pixels and values of one), `alignment` (scene pixel to mask pixel),
  `placement`, `patches` and `interpolation`; `nearest` takes classes, never a mean.
- `vectors/`: `vector` on `reading`, `geoparquet` and `detections`, after `kinds`, `trust` and `wkb` have looked through
  the file; cut to the scene by `cutting`, laid on the grid by `placing` (and `wrapping`, where maps go round), made
  polygons by `shapes`, filled by `burn` and softened by `feather`.
- `classes/`: `class_map` by `class_tables`; `presets`: clouds, shadow, snow and water by `flags` (a quality band on the
  grid), `quality` (its bits) and `cloudgml` (Sentinel-2's polygons); `dilate` grows.
- `looking/`: `detail` on `structure`, and `spectral`: they look at the scene itself.
- `network/`: `cnn` runs a `model`, which sees the `ground` at the resolution that its `card` tells, and makes saliency
  of its `activation`.
"""

from geosal.sources.base import OpenContext, Source
from geosal.sources.combine import Saliency, open_saliency
from geosal.sources.table import SOURCES
from geosal.sources.text import SourceText, source_texts

__all__ = ["SOURCES", "OpenContext", "Saliency", "Source", "SourceText", "open_saliency", "source_texts"]
