"""Where to look: saliency sources, and the map that they make together.

Index card
----------
- `open_saliency`: SOURCE texts and a scene's grid to a `Saliency`.
- `Saliency`: the combined map, read block by block, float32 (y, x) in [0, 1].
- `Source`: the interface of an opened source, `SourceClass` of what opens it; `SOURCES` is the table for new ones.
- `OpenContext`: what a source gets when it is opened.

The frame: `text` is the grammar of SOURCE, `table` names the class of each source, `registry` imports it, `plugins`
finds the sources of other packages, `listing` makes the output of `geosal sources`, `combine` makes one map of all
sources, `length` reads distances and measures pixels.

- `patterns/`: `synthetic` and `perlin`, the patterns of the seed paper.
- `masks/`: `raster_source` on `raster_file` (pixels and values of one), `alignment` (scene pixel to mask pixel),
  `placement`, `patches` and `interpolation`; `nearest` reads classes, which have no mean.
- `vectors/`: `vector` on `reading`, `geoparquet` and `detections`, after `kinds`, `trust` and `wkb` have checked the
  file. `cutting` cuts features to the scene, `placing` puts them on the grid (with `wrapping` where the map is
  periodic, as at the antimeridian), `shapes` makes polygons, `burn` fills them and `feather` softens the edges.
- `classes/`: `class_map` by `class_tables`; `presets`: clouds, shadow, snow and water by `flags` (a quality band on the
  grid), `quality` (its bits) and `cloudgml` (Sentinel-2's polygons); `dilate` grows them.
- `looking/`: `detail` on `structure`, and `spectral`: they look at the scene itself.
- `network/`: `cnn` runs a `model` on the `ground`, at the resolution that its `card` names, and makes saliency
  of its `activation`.
"""

from geosal.sources.base import OpenContext, Source, SourceClass
from geosal.sources.combine import Saliency, open_saliency
from geosal.sources.table import SOURCES
from geosal.sources.text import SourceText, source_texts

__all__ = ["SOURCES", "OpenContext", "Saliency", "Source", "SourceClass", "SourceText", "open_saliency", "source_texts"]
