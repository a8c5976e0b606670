"""Figures that sums come to."""

import math

from pictures import damaged, picture

from geosal.metrics import ErrorSums, Scores, StructureSums, ssim


def test_scores_are_told_from_sums() -> None:
    first, second = picture((2, 200, 200), "uint16"), damaged(picture((2, 200, 200), "uint16"))
    errors = [ErrorSums.of(a, b) for a, b in zip(first, second, strict=True)]
    structure = [StructureSums.of(a, b, 65535) for a, b in zip(first, second, strict=True)]
    scores = Scores.of(errors, structure, 65535)
    assert (scores.samples, scores.max_error) == (first.size, ErrorSums.of(first, second).largest)
    assert scores.psnr == ErrorSums.of(first, second).psnr(65535)
    assert scores.ssim == ssim(first, second, 65535)
    empty = Scores.of([ErrorSums()], [StructureSums()], 255)
    assert empty.samples == 0
    assert all(map(math.isnan, (empty.mse, empty.psnr, empty.max_error, empty.ssim, empty.ms_ssim)))
