"""Which paths a file can have that geosal reads or writes, and what the output of an input is called."""

import os
import sys

_PACKED = (".zip", ".tar", ".SAFE", ".safe")
"""Endings of products that no output keeps."""


def why_no_path(path: str) -> str:
    """Explain why no file that GDAL opens has this path, and what to do; empty where one may have it.

    Python keeps bytes of a name that are not UTF-8 as lone surrogates; YAML can write any of them. Where it takes names
    for ASCII, as in a C locale without its UTF-8 mode, it keeps those of a good name so as well.
    """
    if "\0" in path:
        return "has a NUL in it, and no file's name has one; leave it out"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        if _is_utf8(path):
            coding = sys.getfilesystemencoding()
            return f"is UTF-8, and Python takes names for {coding} here; run it again with PYTHONUTF8=1"
        return "is not UTF-8, and GDAL opens no file of such a name; rename the file, or the directory that has it"
    return ""


def _is_utf8(path: str) -> bool:
    """Return whether the bytes that a path stands for are UTF-8."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeError:
        return False
    return True


def stem_of(path: str) -> str:
    """Return the name of an input without folders and ending; of a product, also without that of its archive.

    A STAC item has the name of the file that it describes.
    """
    name = os.path.basename(path.partition("?")[0].rstrip("/")).removesuffix(".stac.json") or "output"
    if os.path.isdir(path) and not name.endswith(_PACKED):
        return name
    stem = os.path.splitext(name)[0]
    return os.path.splitext(stem)[0] if name.endswith(_PACKED) and stem.endswith(_PACKED) else stem
