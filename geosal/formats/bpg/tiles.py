"""Encode tiles of a BPG: each is a picture of its own to x265, and becomes a tile of one picture in the file."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.bpg import colour, nal
from geosal.core.bpg.head import FULL, GREY, HALVED
from geosal.core.bpg.library import pyav
from geosal.formats.bpg.regions import Region, regions

_LEAST = 8
"""Coding blocks have 8 x 8 pixels at least, and a picture consists of whole ones."""
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
        found = self._regions(pixels.shape[1:], levels)
        parts = self._encoded(self._planes(pixels[: self.bands]), self.pixel_format, lossless=self.qp is None, at=found)
        if not self.alpha:
            return parts
        plane = pixels[self.bands] if len(pixels) > self.bands else np.full(pixels.shape[1:], 255, np.uint8)
        if mask is not None:
            plane = np.where(mask, plane, 0).astype(np.uint8)
        return (*parts, *self._encoded([_padded(plane)], "gray", lossless=True, at=()))

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

    def _planes(self, pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        pixels = _padded(pixels)
        if self.bands == 1:
            return [pixels[0]]
        if self.qp is None:
            return [pixels[band] for band in (1, 2, 0)]
        luma, *chroma = colour.to_ycbcr(pixels)
        if self.subsampling == "420":
            chroma = [colour.halved(plane) for plane in chroma]
        return [colour.rounded(plane) for plane in (luma, *chroma)]

    def _regions(self, shape: tuple[int, ...], levels: NDArray[np.uint8] | None) -> tuple[Region, ...]:
        if not self.by_level or self.qp is None:
            return ()
        last = len(self.by_level) - 1
        known = np.full(shape, last, np.uint8) if levels is None else levels
        return regions(known, tuple(qp - self.qp for qp in self.by_level))

    def _encoded(
        self, planes: list[NDArray[np.uint8]], pixel_format: str, *, lossless: bool, at: tuple[Region, ...]
    ) -> tuple[bytes, bytes, bytes]:
        av = pyav()
        rows, cols = planes[0].shape
        frame = av.VideoFrame(cols, rows, pixel_format)
        for plane, samples in zip(frame.planes, planes, strict=True):
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: len(samples), : samples.shape[1]] = samples
        frame.pts, frame.time_base = 0, _TICK
        if at:
            frame = _with_regions(av, frame, at)
        encoder = av.CodecContext.create("libx265", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = cols, rows, pixel_format, _TICK
        quality = ":lossless=1" if lossless else f":crf={self.qp}:qpmin=0:qpmax=51" + _BY_REGION * bool(self.by_level)
        encoder.options = {"preset": self.preset, "x265-params": _STILL + quality}
        try:
            packets = [*encoder.encode(frame), *encoder.encode(None)]
        except av.FFmpegError as error:
            raise ValueError(f"x265 refuses it: {error}") from error
        found = {nal.kind_of(unit): unit for packet in packets for unit in nal.units(bytes(packet))}
        (slice_,) = (unit for kind, unit in found.items() if kind in nal.IDR)
        return found[nal.SEQUENCE], found[nal.PICTURE], slice_


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
