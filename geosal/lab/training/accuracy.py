"""Measure how good a network is: accuracy and the confusion matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Judgement:
    """Answers of a network on pictures that it did not learn from.

    Attributes
    ----------
    confusion
        ``(class, answer)``: how many pictures of a class were given which answer.
    top5
        Share of the pictures whose class is among the five highest answers.
    loss
        Mean cross entropy.
    """

    confusion: npt.NDArray[np.int64]
    top5: float
    loss: float

    @classmethod
    def of(cls, logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> "Judgement":
        """Judge logits ``(picture, class)``; among equal answers the first counts."""
        classes = logits.shape[1]
        order = np.argsort(-logits, axis=1, kind="stable")
        confusion = np.zeros((classes, classes), np.int64)
        np.add.at(confusion, (labels, order[:, 0]), 1)
        wide = logits.astype(np.float64)
        wide -= wide.max(axis=1, keepdims=True)
        surprise = np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(len(labels)), labels]
        return cls(confusion, float(np.mean((order[:, :5] == labels[:, None]).any(axis=1))), float(surprise.mean()))

    @property
    def count(self) -> int:
        """Return how many pictures were judged."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Return the share of right answers."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        """Return the share of right answers among the pictures of each class."""
        return np.asarray(np.diag(self.confusion) / np.maximum(self.confusion.sum(axis=1), 1), np.float64)

    def to_document(self, classes: Sequence[str]) -> Mapping[str, Any]:
        """Write it for JSON."""
        return {
            "pictures": self.count,
            "accuracy": self.accuracy,
            "top5_accuracy": self.top5,
            "loss": self.loss,
            "recall": dict(zip(classes, self.recall.tolist(), strict=True)),
            "confusion": self.confusion.tolist(),
        }

    def to_csv(self, classes: Sequence[str]) -> str:
        """Write the confusion matrix: a row for each class, a column for each answer."""
        rows = [("class", *classes)]
        rows += [(name, *map(str, row)) for name, row in zip(classes, self.confusion.tolist(), strict=True)]
        return "".join(",".join(_cell(cell) for cell in row) + "\n" for row in rows)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n') else text
