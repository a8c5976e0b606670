"""Words that options take, for the command line: its help, completion and usage errors import none of what they name.

What each stands for is in the room that owns it; a test compares the two. `did_you_mean` finds the word that was meant.
"""

from collections.abc import Iterable

SOURCES = (
    "clouds", "shadow", "snow", "water", "detail", "spectral", "cnn", "half", "grid", "uniform", "perlin",
)  # fmt: skip
"""``--saliency``: names of sources, see `geosal.sources.table`; paths are sources as well."""
OF_FILES = ("raster", "vector", "classes")
"""The sources that read a path, as ``geosal sources`` calls them."""
COMBINE = ("max", "min", "mean", "product", "weighted")
"""``--combine``: see `geosal.sources.combine`."""
OUTSIDE = ("keep", "blur")
"""``--outside``: see `geosal.sources.combine`."""
RESAMPLING = ("nearest", "bilinear", "average")
"""``--resampling``: see `geosal.scenes.products.resample`."""
TREATMENTS = ("smooth", "bound", "quality", "twopass")
"""``--treatment``: see `geosal.core.treatment`."""
PALETTES = ("viridis", "magma", "jet")
"""``--palette``: see `geosal.maps.palettes`."""
CONFIGS = ("sentinel2", "landsat")
"""``--config``: recipes of jobs that come with geosal."""
PROFILES = {
    (".tif", ".tiff"): ("deflate", "zstd", "lzw", "lzma", "raw", "jpeg", "webp", "lerc", "jxl"),
    (".jp2",): ("jp2-lossless", "jp2", "htj2k"),
    (".zarr",): ("zarr",),
    (".jpg", ".jpeg"): ("jpg",),
    (".png",): ("png",),
    (".bpg",): ("bpg", "bpg-lossless"),
}
"""``--profile``, by the suffixes of the output: see `geosal.formats.table`. The first of each is its default."""
_CLOSE = 0.5
"""Likeness, 0 to 1, from which a word may have been meant."""


def did_you_mean(word: object, known: Iterable[str], lead: str = "") -> str:
    """Return ``did you mean WORD?`` with the known word nearest to a mistyped one, behind a lead; empty without one.

    Small and capital letters are alike.
    """
    import difflib  # noqa: PLC0415  who makes no mistake needs none

    words = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(word).lower(), words, n=1, cutoff=_CLOSE)
    return f"{lead}did you mean {words[near[0]]}?" if near else ""
