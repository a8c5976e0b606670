"""Load and run a trained network: an ONNX file and its card."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import SceneError
from geosal.sources.network.card import ModelCard
from geosal.sources.network.session import first_line, open_session, read_model

SHIPPED = "compact-eurosat.onnx"
"""File of the shipped model in the folder `models`."""
_NEEDS = "a network needs onnxruntime; install it: pip install 'geosal[cnn]'"
_MAX_STRIDE, _MAX_SIZE = 64, 2048
"""Limits of stride and input size of a model: memory grows with them."""
_TRIAL = 4
"""Cells along an edge of the input with which a model is tried."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A network in memory; any thread may call it, and each call runs on one thread: the same bits each time.

    Attributes
    ----------
    path
        Name of the model in messages.
    card
        Card inside the model.
    digest
        SHA-256 of the file.
    session
        onnxruntime's.
    """

    path: str
    card: ModelCard
    digest: str
    session: Any

    @classmethod
    def load(cls, path: str | None = None) -> Self:
        """Read a model, and check with a black picture that it does what its card says.

        Parameters
        ----------
        path
            An ONNX file that ``geosal train`` made; None takes the one that comes with geosal.

        Raises
        ------
        UsageError
            onnxruntime is not installed.
        SceneError
            The file cannot be read, is no such model, or its network has another shape.
        """
        name = SHIPPED if path is None else path
        content = _shipped() if path is None else read_model(path)
        session = open_session(content, name, needs=_NEEDS, mend="make one with geosal train")
        try:
            metadata = session.get_modelmeta().custom_metadata_map
        except Exception as error:  # text that is no UTF-8
            raise SceneError(f"{name}: is no ONNX model ({first_line(error)}); make one with geosal train") from error
        card = ModelCard.from_metadata(metadata, name)
        model = cls(path=name, card=card, digest=hashlib.sha256(content).hexdigest(), session=session)
        model._try()
        return model

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return class activation maps (class, y / stride, x / stride) of normalised pixels (3, y, x).

        Raises
        ------
        SceneError
            The network cannot be run, or returns values that are no numbers.
        """
        try:
            (cam,) = self.session.run(["cam"], {"pixels": pixels[np.newaxis]})
        except Exception as error:  # onnxruntime's own types, one for each reason
            raise SceneError(
                f"{self.path}: cannot be run ({first_line(error)}); export it again with geosal train"
            ) from error
        if cam.dtype != np.float32 or not np.isfinite(cam).all():
            raise SceneError(f"{self.path}: its maps hold what is no float32 number; train it again")
        return np.asarray(cam[0])

    def _try(self) -> None:
        """Refuse a network of another shape."""
        stride, size = self.card.stride, self.card.size
        if not (isinstance(stride, int) and isinstance(size, int) and stride <= _MAX_STRIDE and size <= _MAX_SIZE):
            raise SceneError(
                f"{self.path}: its card says stride {stride} and pictures of {size} pixels; these are whole numbers "
                f"up to {_MAX_STRIDE} and {_MAX_SIZE}, export it with geosal train"
            )
        side, classes = _TRIAL * stride, len(self.card.classes)
        shapes = {one.name: list(one.shape) for one in (*self.session.get_inputs(), *self.session.get_outputs())}
        if not {"pixels", "cam"} <= shapes.keys() or len(self.session.get_inputs()) != 1:
            raise SceneError(
                f"{self.path}: its network has {', '.join(shapes)}, not pixels and cam; export it with geosal train"
            )
        got = self(np.zeros((3, side, side), np.float32)).shape
        if got != (classes, _TRIAL, _TRIAL):
            raise SceneError(
                f"{self.path}: its network makes maps {got} of 3x{side}x{side} pixels, its card says "
                f"{(classes, _TRIAL, _TRIAL)}; export it with geosal train"
            )


def _shipped() -> bytes:
    return (resources.files("geosal.sources.network") / "models" / SHIPPED).read_bytes()
