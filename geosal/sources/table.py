"""The table of sources: each name and each kind of path, and the class that opens it. Data alone."""

SOURCES: dict[str, str] = {
    "clouds": "geosal.sources.classes.presets:Clouds",
    "shadow": "geosal.sources.classes.presets:Shadow",
    "snow": "geosal.sources.classes.presets:Snow",
    "water": "geosal.sources.classes.presets:Water",
    "detail": "geosal.sources.looking.detail:Detail",
    "spectral": "geosal.sources.looking.spectral:Spectral",
    "cnn": "geosal.sources.network.cnn:Cnn",
    "half": "geosal.sources.patterns.synthetic:Half",
    "grid": "geosal.sources.patterns.synthetic:Checkers",
    "uniform": "geosal.sources.patterns.synthetic:Uniform",
    "perlin": "geosal.sources.patterns.perlin:Perlin",
}
"""Name -> "module:attribute" of a `Source`, imported on first use; these names precede those of plug-ins."""

FILES: dict[str, str] = {
    "vector": "geosal.sources.vectors.vector:Vector",
    "classes": "geosal.sources.classes.class_map:Classes",
    "raster": "geosal.sources.masks.raster_source:RasterSource",
}
"""Classes that read a path: one with a suffix of `VECTORS`, any other with ``classes=``, and the rest."""

VECTORS = (
    ".geojson", ".geojsonl", ".geojsons", ".ndjson", ".jsonl", ".json", ".gpkg", ".shp", ".zip", ".shz", ".kml", ".kmz",
    ".fgb", ".parquet", ".geoparquet", ".csv", ".txt", ".xml",
    ".gml", ".gpx", ".dxf", ".tab", ".mif", ".gdb", ".topojson",  # not read, and refused as vectors
)  # fmt: skip
