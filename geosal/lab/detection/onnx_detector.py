"""A detector in an ONNX file: torchvision's Faster R-CNN, or a raw head of YOLO, whose boxes are compared here."""

import hashlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geosal.errors import SceneError
from geosal.lab.detection.boxes import suppress
from geosal.lab.detection.card import MAX_INPUT, DetectorCard
from geosal.lab.detection.detector import Found
from geosal.sources.network.session import first_line, open_session, read_model

_NEEDS = "a detector in an ONNX file needs onnxruntime; install it: pip install 'geosal[detection]'"
_MEND = "export a detector to ONNX"
_MOST = 5000
"""Most boxes of a tile that are compared, the surest ones."""
_FASTER_RCNN = ("boxes (n, 4)", "labels (n,)", "scores (n,)")


@dataclass(frozen=True, kw_only=True, eq=False)
class OnnxDetector:
    """A network with its card; any thread may call it.

    Attributes
    ----------
    name
        Path of the model, in messages and tables.
    card
        How to feed it and read it; the layout is decided.
    digest
        SHA-256 of the file.
    session
        onnxruntime's.
    """

    name: str
    card: DetectorCard
    digest: str
    session: Any

    @classmethod
    def load(cls, path: str, card: DetectorCard | None = None) -> Self:
        """Read a model and its card, and try it with a black picture.

        Parameters
        ----------
        path
            An ONNX file.
        card
            Its card; the one beside it by default.

        Raises
        ------
        UsageError
            onnxruntime is not installed.
        SceneError
            A file cannot be read, or the network has another layout than one that is understood.
        """
        content = read_model(path)
        card = DetectorCard.beside(path) if card is None else card
        session = open_session(content, path, needs=_NEEDS, mend=_MEND)
        inputs = session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) not in {3, 4} or inputs[0].type != "tensor(float)":
            told = ", ".join(f"{one.name} {one.shape} of {one.type}" for one in inputs)
            raise SceneError(f"{path}: takes {told}; a detector takes one picture of floats, (1, 3, y, x): {_MEND} so")
        size = inputs[0].shape[-1]
        if isinstance(size, int) and size != card.input:
            raise SceneError(
                f"{path}: takes pictures of {size} pixels, its card says input {card.input}; mend the card"
            )
        raw = cls(name=path, card=card, digest=hashlib.sha256(content).hexdigest(), session=session)
        outputs = raw._run(np.zeros((card.input, card.input, 3), np.uint8))
        settled = DetectorCard(**{**vars(card), "layout": _layout(path, card, outputs)})
        return cls(name=path, card=settled, digest=raw.digest, session=session)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.card.classes

    @property
    def tile(self) -> int:
        """Rows and columns of a scene that fill the input."""
        return max(1, int(self.card.input / self.card.zoom))

    def detect(self, tile: NDArray[np.uint8]) -> Found:
        """Find the objects in a picture, uint8 (y, x, 3).

        Raises
        ------
        SceneError
            The picture is larger than a tile, or the network cannot be run, or returns what is no number.
        """
        height, width = tile.shape[:2]
        rows, cols = (max(1, round(size * self.card.zoom)) for size in (height, width))
        if max(rows, cols) > min(self.card.input, MAX_INPUT):
            raise SceneError(f"{self.name}: a picture of {width}x{height} pixels; it looks at {self.tile} at most")
        picture = tile if (rows, cols) == (height, width) else _resized(tile, rows, cols)
        scores, boxes, labels = self._read(self._run(picture))
        # The network may see something in what fills the rest of its input.
        boxes = np.clip(boxes, 0, [cols, rows, cols, rows]) * np.tile([width / cols, height / rows], 2)
        real = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return Found.of(boxes[real], scores[real], labels[real], by=self.name, classes=len(self.classes))

    def _run(self, picture: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """Run the network on a picture, (y, x, 3), in the upper left of its input; means of samples fill the rest."""
        card = self.card
        mean, std = (np.asarray(values, np.float32) for values in (card.mean, card.std))
        samples = np.zeros((card.input, card.input, 3), np.float32)
        samples[: picture.shape[0], : picture.shape[1]] = (picture / np.float32(card.divide) - mean) / std
        pixels = np.moveaxis(samples if card.order == "RGB" else samples[..., ::-1], -1, 0)
        (wanted,) = self.session.get_inputs()
        pixels = np.ascontiguousarray(pixels if len(wanted.shape) == 3 else pixels[np.newaxis])
        try:
            return list(self.session.run(None, {wanted.name: pixels}))
        except Exception as error:  # onnxruntime's own types, one for each reason
            raise SceneError(f"{self.name}: cannot be run ({first_line(error)}); export it again") from error

    def _read(self, outputs: list[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return scores, boxes and labels, in pixels of the input, of what is sure enough."""
        layout, least = self.card.layout, self.card.score
        if layout == "fasterrcnn":
            if (three := _faster_rcnn(outputs)) is None:
                raise SceneError(f"{self.name}: returns another layout for this picture; export it again")
            boxes, labels, scores = three
            sure = scores >= least
            return scores[sure], boxes[sure].astype(np.float64), labels[sure] - 1
        raw = outputs[0][0] if layout == "yolov5" else outputs[0][0].T
        if not np.isfinite(raw).all():
            raise SceneError(f"{self.name}: returns what is no number; export or train it again")
        each = raw[:, 5:] * raw[:, 4:5] if layout == "yolov5" else raw[:, 4:]
        cells, labels = np.nonzero(each >= max(least, np.finfo(np.float32).tiny))
        scores = each[cells, labels].astype(np.float64)
        first = np.argsort(-scores, kind="stable")[:_MOST]
        cells, labels, scores = cells[first], labels[first], scores[first]
        middle, half = raw[cells, :2].astype(np.float64), raw[cells, 2:4].astype(np.float64) / 2
        boxes = np.concatenate([middle - half, middle + half], axis=1)
        kept = suppress(boxes, scores, labels.astype(np.int64), self.card.iou)
        return scores[kept], boxes[kept], labels[kept]


def _layout(path: str, card: DetectorCard, outputs: list[NDArray[Any]]) -> str:
    """Decide by the shapes of the outputs, or hold the card to them."""
    shapes, classes = [tuple(np.shape(one)) for one in outputs], len(card.classes)
    heads = [shape for shape in shapes[:1] if len(shape) == 3 and shape[0] == 1]
    fitting = [
        name
        for name, is_so in (
            ("fasterrcnn", len(outputs) == 3 and _faster_rcnn(outputs) is not None),
            ("yolo", any(shape[1] == 4 + classes for shape in heads)),
            ("yolov5", any(shape[2] == 5 + classes for shape in heads)),
        )
        if is_so
    ]
    told = ", ".join(map(str, shapes))
    if card.layout in fitting:
        return card.layout
    if card.layout == "auto" and len(fitting) == 1:
        return fitting[0]
    if card.layout == "auto" and fitting:
        raise SceneError(f"{path}: its output {told} may be {' or '.join(fitting)}; say which in its card: layout")
    asked = "" if card.layout == "auto" else f", not {card.layout}"
    raise SceneError(
        f"{path}: returns {told}{asked}; understood for {classes} classes are (1, {4 + classes}, n), "
        f"(1, n, {5 + classes}), and {', '.join(_FASTER_RCNN)}: name its classes right, or export it so"
    )


def _faster_rcnn(outputs: list[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    """Return boxes, labels and scores, known by their shapes and types; None where the outputs are others."""
    flat = [one[0] if np.ndim(one) == 3 or (np.ndim(one) == 2 and np.shape(one)[-1] != 4) else one for one in outputs]
    boxes = [one for one in flat if np.ndim(one) == 2 and one.dtype.kind == "f"]
    labels = [one for one in flat if np.ndim(one) == 1 and one.dtype.kind in "iu"]
    scores = [one for one in flat if np.ndim(one) == 1 and one.dtype.kind == "f"]
    if not (len(boxes) == len(labels) == len(scores) == 1):
        return None
    same = len(boxes[0]) == len(labels[0]) == len(scores[0]) and boxes[0].shape[1] == 4
    return (boxes[0], labels[0].astype(np.int64), scores[0]) if same else None


def _resized(tile: NDArray[np.uint8], rows: int, cols: int) -> NDArray[np.uint8]:
    """Resize as Pillow does: a triangle as wide as a pixel of the result, so that nothing is skipped."""
    return np.asarray(Image.fromarray(tile).resize((cols, rows), Image.Resampling.BILINEAR))
