"""Boxes as a detector or a tired person draws them: beside their object, too large, missing, and some of nothing."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError
from geosal.names import did_you_mean

Boxes = NDArray[np.float64]
_MOST = {"shift": 4.0, "scale": 4.0, "drop": 1.0, "false": 100.0, "seed": 2.0**31 - 1}


@dataclass(frozen=True, kw_only=True)
class Imperfection:
    """How boxes are spoiled; 0 of all leaves them as they are.

    Attributes
    ----------
    shift
        A box moves by a normal deviate of this share of its width, and of its height.
    scale
        Its width and its height grow by a factor of exp of a normal deviate times this.
    drop
        Probability with which a box is missing.
    false
        Boxes of nothing, for each true one; each has the size of a true one, at a random place.
    seed
        Where all chance comes from, together with the name of the image: no image changes another's boxes.
    """

    shift: float = 0.0
    scale: float = 0.0
    drop: float = 0.0
    false: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST[one.name]:
                raise UsageError(f"imperfect boxes: {one.name}={value}; give a number from 0 to {_MOST[one.name]:g}")
        if self.seed != int(self.seed):
            raise UsageError(f"imperfect boxes: seed={self.seed}; give a whole number")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``shift=0.2,scale=0.1,drop=0.2,false=0.5,seed=1``.

        Raises
        ------
        UsageError
            It is no such text, or a value cannot be.
        """
        known = [one.name for one in fields(cls)]
        values: dict[str, Any] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            name, _, number = pair.partition("=")
            if name not in known:
                raise UsageError(f"{text}: {name}; {did_you_mean(name, known) or 'known: ' + ', '.join(known)}")
            try:
                values[name] = int(number) if name == "seed" else float(number)
            except ValueError as error:
                raise UsageError(f"{text}: {pair} is no number; write {name}=0.2") from error
        return cls(**values)

    def spoil(self, boxes: Boxes, shape: tuple[int, int], name: str) -> Boxes:
        """Spoil the boxes of an image.

        Parameters
        ----------
        boxes
            (box, 4), corners in pixels.
        shape
            Rows and columns of the image.
        name
            Name of the image.

        Returns
        -------
        array
            (box, 4), cut at the edges of the image; the false ones last.
        """
        chance = np.random.default_rng([int(self.seed), zlib.crc32(name.encode())])
        # All is drawn whatever is used of it: with another `drop` the same boxes move the same way.
        move, growth = (chance.standard_normal((len(boxes), 2)) for _ in range(2))
        lots = chance.random(len(boxes))
        middle, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        spoiled = _around(middle + self.shift * size * move, size * np.exp(self.scale * growth))
        spoiled = spoiled[lots >= self.drop]
        count = round(self.false * len(boxes))
        if len(boxes):
            sizes = size[chance.integers(len(boxes), size=count)]
            spoiled = np.concatenate([spoiled, _around(chance.random((count, 2)) * (shape[1], shape[0]), sizes)])
        inside = np.clip(spoiled, 0, [shape[1], shape[0], shape[1], shape[0]])
        return np.asarray(inside[(inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])])


def as_coco(boxes: Iterable[Iterable[float]], name: str, shape: tuple[int, int]) -> str:
    """Write the boxes of an image as COCO, so that they are a SOURCE like any other."""
    annotations = [
        {"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [left, top, right - left, bottom - top]}
        for number, (left, top, right, bottom) in enumerate((map(float, box) for box in boxes), start=1)
    ]
    image = {"id": 1, "file_name": name, "height": shape[0], "width": shape[1]}
    return json.dumps({"images": [image], "categories": [{"id": 1, "name": "object"}], "annotations": annotations})


def _around(middle: Boxes, size: Boxes) -> Boxes:
    return np.concatenate([middle - size / 2, middle + size / 2], axis=1)
