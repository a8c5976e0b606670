"""Zips that nobody vouches for: what they raise where they are damaged, and which of their files are read."""

import lzma
import zipfile
import zlib
from typing import IO

DAMAGE = (OSError, LookupError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
"""Errors of zips that are cut off, encrypted or made up."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def open_member(bundle: zipfile.ZipFile, member: str | zipfile.ZipInfo) -> IO[bytes]:
    """Open a file of a zip that is stored, or compressed by Deflate, as all programs write them.

    Of Deflate Python unpacks as much as is read. Of bzip2 and LZMA it unpacks pieces whole, however large they become.

    Raises
    ------
    ValueError
        It is compressed by another method.
    """
    entry = bundle.getinfo(member) if isinstance(member, str) else member
    if entry.compress_type not in _METHODS:
        raise ValueError(f"{entry.filename[:80]} is compressed by another method than Deflate")
    return bundle.open(entry)
