import numpy as np
import pytest

from geosal.errors import SceneError
from geosal.lab.detection.detector import Found


def _of(boxes, scores, labels):
    return Found.of(boxes, scores, labels, by="mine", classes=2)


def test_what_fits_is_taken():
    found = _of([[1, 2, 3, 4]], [0.5], np.array([1], np.int32))
    assert (found.boxes.dtype, found.scores.dtype, found.labels.dtype) == (np.float64, np.float64, np.int64)
    assert len(found) == 1


def test_nothing_has_any_shape():
    assert len(_of([], [], [])) == 0


@pytest.mark.parametrize(
    ("boxes", "scores", "labels", "message"),
    [
        ([[1, 2, 3]], [0.5], [0], r"mine: returns boxes, scores and labels of the shapes \[\(1, 3\)"),
        ([[1, 2, 3, 4]], [0.5, 0.6], [0, 0], "shapes"),
        ([[1, 2, 3, np.nan]], [0.5], [0], "no number"),
        ([[1, 2, 3, 4]], [np.inf], [0], "no number"),
        ([[1, 2, 3, 4]], [0.5], [2], "returns class 2, and it has 2 counted from 0"),
        ([[1, 2, 3, 4]], [0.5], [-1], "name all its classes"),
    ],
)
def test_what_makes_no_sense_is_refused(boxes, scores, labels, message):
    with pytest.raises(SceneError, match=message):
        _of(boxes, scores, labels)
