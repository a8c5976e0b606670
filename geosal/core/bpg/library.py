"""PyAV, which brings x265 and FFmpeg's decoder of HEVC; it is an extra."""

from typing import Any

from geosal.errors import UsageError


def pyav(path: str = "") -> Any:
    """Import PyAV, for the BPG at a path if it is to be read.

    Raises
    ------
    UsageError
        It is not installed.
    """
    try:
        import av  # noqa: PLC0415  an extra, and it loads FFmpeg
    except ImportError as error:
        what = f"{path}: is a BPG, which" if path else "a BPG"
        raise UsageError(f"{what} needs PyAV, which is not installed; pip install 'geosal[bpg]'") from error
    return av
