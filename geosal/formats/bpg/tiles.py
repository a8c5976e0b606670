"""Encode tiles of a BPG: each is a picture of its own to x265, and becomes a tile of one picture in the file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.core.bpg import colour, nal
from geosal.core.bpg.head import FULL, GREY, HALVED
from geosal.core.bpg.library import pyav
from geosal.formats.bpg.regions import Region, regions

_LEAST = 8
"""Coding blocks have 8 x 8 pixels at least, and a picture consists of whole ones."""
_ROWS = 64
"""Rows of a tile that are turned to YCbCr at once."""
_CHROMA = {"gray": 0, "yuv420p": 1, "gbrp": 3, "yuv444p": 3}
_TICK = Fraction(1, 25)
"""A time for FFmpeg, which asks for one."""
_STILL = (
    # One picture, whose QP is just the one that is asked for (`qcomp`), by one thread: tiles are worked on side by
    # side. Psychovisual choices look sharper and are farther from the scene.
    "keyint=1:bframes=0:b-adapt=0:rc-lookahead=0:scenecut=0:ref=1:cutree=0:qcomp=1:info=0:wpp=0:pools=none"
    ":frame-threads=1:psy-rd=0:psy-rdoq=0:log-level=none"
)
_BY_REGION = ":aq-mode=1:aq-strength=0.01:qg-size=16"
"""Regions go through adaptive quantisation, which does nothing else at this strength."""


@dataclass(frozen=True, kw_only=True)
class BpgEncoder:
    """Encodes a tile by x265.

    Attributes
    ----------
    tile
        Rows and columns of a tile.
    bands
        1 or 3: those of the picture.
    alpha
        Whether there is an alpha plane: the band after these, or the mask, or both. It is coded without loss.
    qp
        QP of the picture; that of the best level where they differ. None codes without loss.
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``.
    preset
        x265's word.
    by_level
        QPs of pixels whose level of saliency is 0, 1 …; empty where all are alike.
    overviews
        False: a BPG has none.
    """

    tile: int
    bands: int = 3
    alpha: bool = False
    qp: float | None = 28
    subsampling: str = "420"
    preset: str = "medium"
    by_level: tuple[float, ...] = ()
    overviews: bool = False

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        """Encode (band, y, x), perhaps cropped at the right and lower edge, and its mask (y, x), True = valid.

        `levels` are the (y, x) levels of saliency of its pixels; None stands for the last.

        Returns
        -------
        tuple of bytes
            The sequence and the picture parameter set, and the slice; with alpha the same of it.
        """
        return tuple(part for frame in self.frames(pixels, mask, levels) for part in self._coded(frame))

    def frames(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> "Iterator[Frame]":
        """Make what x265 gets of a tile, see `__call__`: the picture of its colours, and with alpha that of it."""
        av, lossless = pyav(), self.qp is None
        picture = _filled(av, self.pixel_format, _padded(pixels[: self.bands]))
        found = self._regions(pixels.shape[1:], levels)
        yield Frame(_with_regions(av, picture, found) if found else picture, lossless)
        if not self.alpha:
            return
        plane = pixels[self.bands] if len(pixels) > self.bands else np.full(pixels.shape[1:], 255, np.uint8)
        if mask is not None:
            plane = np.where(mask, plane, 0).astype(np.uint8)
        yield Frame(_filled(av, "gray", _padded(plane[None])), lossless=True)

    def packets(self, frame: "Frame") -> list[Any]:
        """Let x265 encode a picture.

        Raises
        ------
        ValueError
            It refuses.
        """
        av, picture = pyav(), frame.picture
        encoder = av.CodecContext.create("libx265", "w")
        encoder.width, encoder.height, encoder.time_base = picture.width, picture.height, _TICK
        encoder.pix_fmt = picture.format.name
        quality = f":crf={self.qp}:qpmin=0:qpmax=51" + _BY_REGION * bool(self.by_level)
        encoder.options = {
            "preset": self.preset, "x265-params": _STILL + (":lossless=1" if frame.lossless else quality)
        }  # fmt: skip
        try:
            return [*encoder.encode(picture), *encoder.encode(None)]
        except av.FFmpegError as error:
            raise ValueError(f"x265 refuses it: {error}") from error

    @property
    def pixel_format(self) -> str:
        """FFmpeg's word for what x265 gets."""
        if self.bands == 1:
            return "gray"
        return "gbrp" if self.qp is None else "yuv420p" if self.subsampling == "420" else "yuv444p"

    @property
    def bpg_format(self) -> int:
        """BPG's number of the same."""
        return {"gray": GREY, "yuv420p": HALVED}.get(self.pixel_format, FULL)

    @property
    def chroma(self) -> int:
        """HEVC's number of the same."""
        return _CHROMA[self.pixel_format]

    def _regions(self, shape: tuple[int, ...], levels: NDArray[np.uint8] | None) -> tuple[Region, ...]:
        if not self.by_level or self.qp is None:
            return ()
        last = len(self.by_level) - 1
        known = np.full(shape, last, np.uint8) if levels is None else levels
        return regions(known, tuple(qp - self.qp for qp in self.by_level))

    def _coded(self, frame: "Frame") -> tuple[bytes, bytes, bytes]:
        found = {nal.kind_of(unit): unit for packet in self.packets(frame) for unit in nal.units(bytes(packet))}
        (slice_,) = (unit for kind, unit in found.items() if kind in nal.IDR)
        return found[nal.SEQUENCE], found[nal.PICTURE], slice_


class Frame(NamedTuple):
    """A picture for x265, of PyAV's class, and whether it is coded without loss."""

    picture: Any
    lossless: bool


def _filled(av: Any, pixel_format: str, pixels: NDArray[np.uint8]) -> Any:
    """Make a picture of (band, y, x), some rows after the others, so that what lies between stays in the cache."""
    rows, cols = pixels.shape[1:]
    frame = av.VideoFrame(cols, rows, pixel_format)
    frame.pts, frame.time_base = 0, _TICK
    planes = [np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width] for plane in frame.planes]
    step = 2 if pixel_format == "yuv420p" else 1
    for top in range(0, rows, _ROWS):
        strip = pixels[:, top : top + _ROWS]
        height = strip.shape[1]
        luma, *chroma = _converted(strip, pixel_format)
        planes[0][top : top + height] = luma
        for plane, samples in zip(planes[1:], chroma, strict=True):
            plane[top // step : (top + height) // step] = samples
    return frame


def _converted(pixels: NDArray[np.uint8], pixel_format: str) -> Sequence[NDArray[np.uint8]]:
    """Return the planes of (band, y, x)."""
    if pixel_format == "gray":
        return [pixels[0]]
    if pixel_format == "gbrp":
        return [pixels[band] for band in (1, 2, 0)]
    luma, *chroma = colour.to_ycbcr(pixels)
    if pixel_format == "yuv420p":
        chroma = [colour.halved(plane) for plane in chroma]
    return [colour.rounded(plane) for plane in (luma, *chroma)]


def _padded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat the last row and column of (…, y, x) until they are whole coding blocks."""
    more = [(0, -length % _LEAST) for length in pixels.shape[-2:]]
    return np.pad(pixels, [(0, 0)] * (pixels.ndim - 2) + more, "edge") if any(end for _, end in more) else pixels


def _with_regions(av: Any, frame: Any, found: tuple[Region, ...]) -> Any:
    """Attach regions to a frame, as FFmpeg's filter addroi does; the encoder takes the first that covers a block."""
    graph = av.filter.Graph()
    last = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    for region in found:
        place = f"x={region.left}:y={region.top}:w={region.width}:h={region.height}"
        node = graph.add("addroi", f"{place}:qoffset={region.offset:.6f}")
        last.link_to(node)
        last = node
    last.link_to(graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    marked = graph.pull()
    marked.pts, marked.time_base = 0, _TICK
    return marked
