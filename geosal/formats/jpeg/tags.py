"""Tags that describe one JPEG file: its writer and its check share them."""

from geosal.formats.world_file import NO_WORLD_FILE

DIGEST = "GEOSAL_SHA256"
"""Tag with the SHA-256 of the image file, in hexadecimal: a JPEG has no checksums, so damage may decode unnoticed."""
OF_THE_FILE = frozenset({DIGEST, NO_WORLD_FILE})
"""Tags that describe one file, and are not true of files made from it."""
