"""Average precision as COCO defines it, by pycocotools, which only this module imports; and how far chance moves it.

What pycocotools does to the unwary is kept out here: it takes the annotation of id 0 for "nothing matched"; an object
of exactly 32 x 32 or 96 x 96 pixels is in two classes of size; its summary prints -1 where there is nothing to find,
and for any other limit of detections than 100; its loader of results fails on an empty list.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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

    def precision(self) -> Precision:
        """Return the average precision over all images."""
        with _silence():
            self._eval.accumulate()
        table = np.asarray(self._eval.eval["precision"][..., 0])
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
        squares = [-(-image.shape[0] // side) * -(-image.shape[1] // side) for image in self.truth.images]
        tables = [self._by_square(label, side, squares) for label in range(len(self.truth.classes))]
        chance = np.random.default_rng(seed)
        draws = np.empty((times, 2))
        for number in range(times):
            counts = np.bincount(chance.integers(sum(squares), size=sum(squares)), minlength=sum(squares))
            found = np.concatenate([table.precision(counts) for table in tables], axis=1)
            draws[number] = _mean(found), _mean(found[_AT_50 : _AT_50 + 1])
        return draws

    def _by_square(self, label: int, side: int, squares: Sequence[int]) -> "_Matches":
        """Collect what was matched of a class, with the square that each object and each detection lies in."""
        ours, theirs, columns = [], [], []
        first = label * len(_SIZES) * len(squares)  # the size "all" comes first
        for number, image in enumerate(self.truth.images):
            matched = self._eval.evalImgs[first + number]
            if matched is None:
                continue
            across, before = -(-image.shape[1] // side), sum(squares[:number])
            found, sought = (
                before + _squares([entries[one - 1] for one in matched[ids]], image.shape, side) @ (across, 1)
                for entries, ids in ((self._detections, "dtIds"), (self._objects, "gtIds"))
            )
            ours.append(found)
            theirs.append(sought[np.asarray(matched["gtIgnore"]) == 0])
            columns.append((matched["dtScores"], matched["dtMatches"] > 0, matched["dtIgnore"].astype(bool)))
        if not columns:
            return _Matches.nothing(len(self._eval.params.iouThrs))
        scores = np.concatenate([column[0] for column in columns])
        order = np.argsort(-scores, kind="mergesort")
        hit, ignored = (np.concatenate([column[at] for column in columns], axis=1)[:, order] for at in (1, 2))
        return _Matches(hit & ~ignored, ~hit & ~ignored, np.concatenate(ours)[order], np.concatenate(theirs))


class _Matches(NamedTuple):
    """What was matched of a class, the surest first."""

    true: NDArray[np.bool_]
    """(threshold, detection)."""
    false: NDArray[np.bool_]
    """(threshold, detection)."""
    squares: NDArray[np.int64]
    """(detection,): number of the square."""
    sought: NDArray[np.int64]
    """(object,): number of the square."""

    @classmethod
    def nothing(cls, thresholds: int) -> "_Matches":
        """Return those of a class that is neither sought nor found."""
        empty = np.zeros((thresholds, 0), np.bool_)
        return cls(empty, empty, np.zeros(0, np.int64), np.zeros(0, np.int64))

    def precision(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return precision (threshold, recall) where each square stands as often as `counts` says; -1 without objects.

        As `COCOeval.accumulate`, for squares that stand several times: what stands n times adds n at once.
        """
        points = np.linspace(0, 1, 101)
        total = counts[self.sought].sum()
        if not total:
            return np.full((len(self.true), len(points)), -1.0)
        weights = counts[self.squares]
        true, false = (np.cumsum(each * weights, axis=1, dtype=np.float64) for each in (self.true, self.false))
        exact = true / (true + false + np.spacing(1))
        exact = np.maximum.accumulate(exact[:, ::-1], axis=1)[:, ::-1]
        exact = np.concatenate([exact, np.zeros((len(exact), 1))], axis=1)
        places = [np.searchsorted(recall, points, side="left") for recall in true / total]
        return np.stack([row[place] for row, place in zip(exact, places, strict=True)])


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
    """Return row and column, (entry, 2), of the square that the middle of each box lies in, or is nearest to."""
    boxes = np.array([entry["bbox"] for entry in entries], np.float64).reshape(-1, 4)
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    return (np.clip(middles[:, ::-1], 0, np.array(shape) - 1) // side).astype(np.int64)


def _mean(precision: NDArray[np.float64]) -> float:
    """Return the mean over the classes that have objects; NaN where none has."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what pycocotools prints from those who read our stdout."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
