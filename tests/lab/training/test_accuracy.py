import math

import numpy as np
import pytest

from geosal.lab.training.accuracy import Judgement


def test_a_judgement_by_hand():
    logits = np.array([[3, 1, 0], [0, 2, 1], [0, 1, 2], [5, 1, 1]], np.float32)
    judged = Judgement.of(logits, np.array([0, 1, 1, 2]))
    assert judged.confusion.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    assert judged.accuracy == 0.5
    assert judged.top5 == 1
    assert judged.recall.tolist() == [1, 0.5, 0]
    expected = [math.log(sum(math.exp(v) for v in row)) - row[i] for row, i in zip(logits, (0, 1, 1, 2), strict=True)]
    assert judged.loss == pytest.approx(sum(expected) / 4)


def test_top_five():
    logits = -np.arange(8, dtype=np.float32)[None].repeat(2, 0)
    assert Judgement.of(logits, np.array([4, 5])).top5 == 0.5


def test_csv():
    judged = Judgement.of(np.eye(2, dtype=np.float32), np.array([0, 1]))
    assert judged.to_csv(("a, b", "c")) == 'class,"a, b",c\n"a, b",1,0\nc,0,1\n'
