"""Average precision as COCO defines it, by pycocotools, which only this module imports; and how far chance moves it.

What pycocotools does to the unwary is kept out here: it takes the annotation of id 0 for "nothing matched"; an object
of exactly 32 x 32 or 96 x 96 pixels is in two classes of size; its summary prints -1 where there is nothing to find,
and for any other limit of detections than 100; its loader of results fails on an empty list.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError
from geosal.lab.detection.boxes import areas
from geosal.lab.detection.detector import Found
from geosal.lab.detection.truth import Truth

SMALL, MEDIUM = 32.0**2, 96.0**2
"""Areas in pixels from which an object is no longer small, and no longer medium."""
MOST_FOUND = 1000
"""Most detections of a class in an image that count, the surest ones; COCO's 100 are too few for a scene."""
_SIZES = {
    "all": (0.0, np.inf),
    "small": (0.0, float(np.nextafter(SMALL, 0))),
    "medium": (SMALL, float(np.nextafter(MEDIUM, 0))),
    "large": (MEDIUM, np.inf),
}
_AT_50, _AT_75 = 0, 5
"""Places of 0.5 and 0.75 among the thresholds of intersection over union: 0.5, 0.55 ... 0.95."""
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True)
class Precision:
    """Average precision, 0 to 1; NaN where there is nothing of the kind to find.

    Attributes
    ----------
    ap, ap50, ap75
        Mean over thresholds 0.5 to 0.95, at 0.5, and at 0.75.
    small, medium, large
        As `ap`, of objects by the area of their box: below 32 x 32 pixels, below 96 x 96, and the others.
    """

    ap: float
    ap50: float
    ap75: float
    small: float
    medium: float
    large: float


class Judged:
    """Detections held against the truth: each is matched to an object of its image once, and then counted.

    Parameters
    ----------
    truth
        What is to be found.
    found
        What was found, by name of image; its labels are classes of the truth, see `as_labelled`.

    Raises
    ------
    UsageError
        pycocotools is not installed.
    """

    def __init__(self, truth: Truth, found: Mapping[str, Found]) -> None:
        try:
            from pycocotools.coco import COCO  # an extra
            from pycocotools.cocoeval import COCOeval
        except ImportError as error:
            raise UsageError(
                "average precision needs pycocotools; install it: pip install 'geosal[detection]'"
            ) from error
        self.truth = truth
        self._objects, self._detections = _annotations(truth), _detections(truth, found)
        with _silence():
            sides = []
            for entries in (self._objects, self._detections):
                side = COCO()
                side.dataset = _document(truth, entries)
                side.createIndex()
                sides.append(side)
            self._eval = COCOeval(*sides, iouType="bbox")
            self._eval.params.maxDets = [MOST_FOUND]
            self._eval.params.areaRng = [list(limits) for limits in _SIZES.values()]
            self._eval.params.areaRngLbl = list(_SIZES)
            self._eval.evaluate()
        self._images = len(truth.images)

    def precision(self) -> Precision:
        """Return the average precision over all images."""
        table = self._accumulate(self._eval.evalImgs, list(_SIZES.values()))
        whole, *sizes = (_mean(table[:, :, :, number]) for number in range(len(_SIZES)))
        at_50, at_75 = (_mean(table[place : place + 1, :, :, 0]) for place in (_AT_50, _AT_75))
        return Precision(ap=whole, ap50=at_50, ap75=at_75, small=sizes[0], medium=sizes[1], large=sizes[2])

    def resampled(self, side: int, times: int, seed: int = 0) -> NDArray[np.float64]:
        """Draw the squares of the images again and again, with repetition; return AP and AP50 of each draw, (draw, 2).

        Images are few, so they are cut into squares, by which objects and detections are sorted by their middles,
        after they were matched. All conditions of the same truth draw the same squares, so draws can be compared one
        by one.

        Parameters
        ----------
        side
            Rows and columns of a square, in pixels: some objects wide, or neighbours are drawn apart.
        times
            Number of draws.
        seed
            Where all chance comes from.
        """
        cut = self._by_square(side)
        count = len(cut[0])
        chance = np.random.default_rng(seed)
        draws = np.empty((times, 2))
        for number in range(times):
            chosen = chance.integers(count, size=count)
            table = self._accumulate([squares[one] for squares in cut for one in chosen], [_SIZES["all"]], count)
            draws[number] = _mean(table[:, :, :, 0]), _mean(table[_AT_50 : _AT_50 + 1, :, :, 0])
        return draws

    def _accumulate(
        self, matched: Sequence[Any], sizes: Sequence[tuple[float, float]], images: int | None = None
    ) -> NDArray[np.float64]:
        """Return precision (threshold, recall, class, size), -1 where a class has no object."""
        params = self._eval.params
        kept = params.imgIds, params.areaRng, self._eval.evalImgs, self._eval._paramsEval  # noqa: SLF001
        params.imgIds = list(range(self._images if images is None else images))
        params.areaRng = [list(limits) for limits in sizes]
        self._eval.evalImgs, self._eval._paramsEval = matched, params  # noqa: SLF001  what it checks itself against
        try:
            with _silence():
                self._eval.accumulate()
            return np.asarray(self._eval.eval["precision"][..., 0])
        finally:
            params.imgIds, params.areaRng, self._eval.evalImgs, self._eval._paramsEval = kept  # noqa: SLF001

    def _by_square(self, side: int) -> list[list[Any]]:
        """Cut what was matched into squares: for each class, an entry for each square of all images."""
        reach = [(-(-image.shape[0] // side), -(-image.shape[1] // side)) for image in self.truth.images]
        cut = []
        for label in range(len(self.truth.classes)):
            first = label * len(_SIZES) * self._images  # the size "all" comes first
            squares: list[Any] = []
            for number, shape in enumerate(reach):
                squares += self._cut(self._eval.evalImgs[first + number], shape, side)
            cut.append(squares)
        return cut

    def _cut(self, matched: Any, shape: tuple[int, int], side: int) -> Iterator[Any]:
        if matched is None:
            yield from [None] * (shape[0] * shape[1])
            return
        found, sought = (
            _squares([entries[number - 1] for number in matched[ids]], shape, side)
            for entries, ids in ((self._detections, "dtIds"), (self._objects, "gtIds"))
        )
        for row in range(shape[0]):
            for col in range(shape[1]):
                ours, theirs = ((places == (row, col)).all(axis=1) for places in (found, sought))
                yield {
                    "dtScores": np.asarray(matched["dtScores"])[ours],
                    "dtMatches": matched["dtMatches"][:, ours],
                    "dtIgnore": matched["dtIgnore"][:, ours],
                    "gtIgnore": np.asarray(matched["gtIgnore"])[theirs],
                }


def interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bounds between which 95 % of the draws lie; NaN where too few are known."""
    known = draws[np.isfinite(draws)]
    if len(known) < 2:
        return float("nan"), float("nan")
    low, high = np.percentile(known, _INTERVAL)
    return float(low), float(high)


def as_labelled(found: Found, classes: Sequence[str], truth: Truth, by: str) -> Found:
    """Give detections the labels of the truth, by the names of classes; those of classes that it lacks go.

    Where both know one class only, it is the same, whatever it is called.

    Raises
    ------
    UsageError
        They share no class.
    """
    if len(classes) == len(truth.classes) == 1:
        return found
    known = {name: number for number, name in enumerate(truth.classes)}
    number_of = np.array([known.get(name, -1) for name in classes], np.int64)
    if (number_of < 0).all():
        raise UsageError(
            f"{by}: finds {', '.join(classes[:12])}; the annotations have {', '.join(truth.classes[:12])}: name the "
            "classes alike in its card"
        )
    labels = number_of[found.labels]
    return Found(found.boxes, found.scores, labels).take(labels >= 0)


def _annotations(truth: Truth) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for number, image in enumerate(truth.images, start=1):
        for box, label, ignored in zip(image.boxes, image.labels.tolist(), image.ignored.tolist(), strict=True):
            # What is ignored is so for every class; only a crowd may take in several detections.
            of = range(len(truth.classes)) if ignored else (label,)
            entries.extend(_entry(box, number, one) | {"iscrowd": int(ignored)} for one in of)
    return _numbered(entries)


def _detections(truth: Truth, found: Mapping[str, Found]) -> list[dict[str, Any]]:
    entries = []
    for number, image in enumerate(truth.images, start=1):
        here = found.get(image.name, Found.nothing())
        for box, score, label in zip(here.boxes, here.scores.tolist(), here.labels.tolist(), strict=True):
            entries.append(_entry(box, number, label) | {"score": score})
    return _numbered(entries)


def _entry(box: NDArray[np.float64], image: int, label: int) -> dict[str, Any]:
    left, top, right, bottom = box.tolist()
    sides = [left, top, right - left, bottom - top]
    return {"image_id": image, "category_id": label + 1, "bbox": sides, "area": float(areas(box))}


def _numbered(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry | {"id": number} for number, entry in enumerate(entries, start=1)]


def _document(truth: Truth, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "images": [{"id": number} for number in range(1, len(truth.images) + 1)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(truth.classes, start=1)],
        "annotations": entries,
    }


def _squares(entries: Sequence[Mapping[str, Any]], shape: tuple[int, int], side: int) -> NDArray[np.int64]:
    """Return row and column, (entry, 2), of the square that the middle of each box lies in."""
    boxes = np.array([entry["bbox"] for entry in entries], np.float64).reshape(-1, 4)
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    return np.clip(middles[:, ::-1] // side, 0, np.array(shape) - 1).astype(np.int64)


def _mean(precision: NDArray[np.float64]) -> float:
    """Return the mean over the classes that have objects; NaN where none has."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what pycocotools prints from those who read our stdout."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
