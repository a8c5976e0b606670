"""The digest of an image whose format has no checksums: damage in it may decode unnoticed."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

DIGEST = "GEOSAL_SHA256"
"""Tag with the SHA-256 of the image file, in hexadecimal."""
NO_DIGEST = "0" * 64
"""Stands in the place of the digest until the image is there."""


def with_digest(xml: bytes, image: Path) -> bytes:
    """Complete the ``.aux.xml`` of an image."""
    return xml.replace(NO_DIGEST.encode(), digest_of(image).encode())


def digest_of(image: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(image, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_faults(path: str, tags: Mapping[str, str]) -> list[str]:
    """Compare a local file with the digest in its tags."""
    noted = tags.get(DIGEST)
    if noted is None or not os.path.isfile(path) or digest_of(path) == noted:
        return []
    return ["its bytes are not those that were written: the file is damaged or was changed"]
