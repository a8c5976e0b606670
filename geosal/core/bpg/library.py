"""PyAV, which brings x265 and FFmpeg's decoder of HEVC; it is an extra."""

from typing import Any

from geosal.errors import UsageError


def pyav() -> Any:
    """Import PyAV.

    Raises
    ------
    UsageError
        It is not installed.
    """
    try:
        import av  # noqa: PLC0415  an extra, and it loads FFmpeg
    except ImportError as error:
        raise UsageError("a BPG needs PyAV, which is not installed; pip install 'geosal[bpg]'") from error
    return av
