"""Which paths a file can have that geosal reads or writes, and what the output of an input is called."""

import os

_PACKED = (".zip", ".tar", ".SAFE", ".safe")
"""Endings of products that no output keeps."""


def why_no_path(path: str) -> str:
    """Explain why no file that GDAL opens has this path, and what to do; empty where one may have it.

    Python keeps bytes of a name that are not UTF-8 as lone surrogates; YAML can write any of them.
    """
    if "\0" in path:
        return "has a NUL in it, and no file's name has one; leave it out"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "is not UTF-8, and GDAL opens no file of such a name; rename the file, or the directory that has it"
    return ""


def stem_of(path: str) -> str:
    """Return the name of an input without folders and ending; of a product, also without that of its archive.

    A STAC item has the name of the file that it describes.
    """
    name = os.path.basename(path.partition("?")[0].rstrip("/")).removesuffix(".stac.json") or "output"
    if os.path.isdir(path) and not name.endswith(_PACKED):
        return name
    stem = os.path.splitext(name)[0]
    return os.path.splitext(stem)[0] if name.endswith(_PACKED) and stem.endswith(_PACKED) else stem
