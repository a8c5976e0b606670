"""Where to look: saliency sources, and the one map that several of them make.

Index card
----------
- `open_saliency`: SOURCE texts and a scene's grid to a `Saliency`.
- `Saliency`: reads the combined map block by block, float32 (y, x) in [0, 1].
- `Source`: what a new kind of source must offer; `SOURCES` is the table it is written into.
- `Setting`: what a source is given when it is opened.

Rooms: `text` the grammar of SOURCE, `plugins` other packages' sources, `listing` what `geosal sources` prints,
`combine` the union of all.

- `synthetic` and `perlin`: patterns of the seed paper.
- `raster`: mask files, on `maskfile` (pixels and values of one), `align` (scene pixel to mask pixel), `placement` and
  `resample`.
- `vector`: features, read by `vectorfile`, `geoparquet` and `detections`, after `trust` and `wkb` have looked through
  them; cut to the scene by `vectorcut`, laid on the grid by `vectorplace`, filled by `burn` and softened by `feather`.
- `classes`: maps of classes by `tables`; `presets`: clouds, shadow, snow and water by `flags` (a quality band on the
  grid), `quality` (its bits) and `cloudgml` (Sentinel-2's polygons); `sampling` takes the nearest class, `dilate`
  grows; `length` reads distances and knows how large a pixel is.
- `detail` on `structure`, and `spectral`: they look at the scene itself (`looking`).
"""

from geosal.sources.base import Setting, Source
from geosal.sources.combine import Saliency, open_saliency
from geosal.sources.text import SOURCES, SourceText, source_texts

__all__ = ["SOURCES", "Saliency", "Setting", "Source", "SourceText", "open_saliency", "source_texts"]
