"""Figures 10 to 12 hold what plain Python makes of the rows."""

import numpy as np
import pytest
from study_tables import DATASETS, ENCODERS, KERNELS, sweep_rows

from geosal.lab.figures.encoders import on_scale

ROWS = sweep_rows()


def wanted(encoder: str, column: str, chosen) -> np.ndarray:
    parameter, settings = ENCODERS[encoder]
    points = [
        (
            100 / setting if parameter == "rate" else 100 * (1 - setting / 51),
            np.mean([row[column] for row in ROWS if row["encoder"] == encoder and row["setting"] == setting
                     and chosen(row)]),
        )
        for setting in settings
    ]  # fmt: skip
    return np.array(sorted(points))


@pytest.mark.parametrize(
    ("name", "smoothed"),
    [("10", lambda row: row["mask"] == "none" and row["kernel"] > 1), ("11", lambda row: row["mask"] != "none")],
)
def test_each_data_set_has_a_line_in_each_panel(drawn, name, smoothed):
    panels = np.array(drawn(name).axes).reshape(2, 2)
    for column, encoder in enumerate(("bpg", "jp2")):
        assert panels[0, column].get_title() == encoder
        for row, of in enumerate(("reduction_of_original", "reduction_of_unsmoothed")):
            lines = {line.get_label(): line.get_xydata() for line in panels[row, column].lines}
            for dataset in DATASETS:
                expected = wanted(encoder, of, lambda file, d=dataset: file["dataset"] == d and smoothed(file))
                np.testing.assert_allclose(lines[dataset], expected)
        plain = [line.get_xydata() for line in panels[0, column].lines if line.get_label() == "_unsmoothed"]
        for dataset, line in zip(DATASETS, plain, strict=True):
            expected = wanted(
                encoder, "reduction_of_original",
                lambda file, d=dataset: file["dataset"] == d and file["mask"] == "none" and file["kernel"] == 1,
            )  # fmt: skip
            np.testing.assert_allclose(line, expected)


def test_each_kernel_has_a_line(drawn):
    panels = np.array(drawn("12").axes).reshape(2, 2)
    for column, encoder in enumerate(("bpg", "jp2")):
        for row, of in enumerate(("reduction_of_original", "reduction_of_unsmoothed")):
            lines = {line.get_label(): line.get_xydata() for line in panels[row, column].lines}
            for width in KERNELS[row:]:  # the unsmoothed file is 0 % below itself
                expected = wanted(encoder, of, lambda file, w=width: file["mask"] == "none" and file["kernel"] == w)
                np.testing.assert_allclose(lines[f"K = {width}"], expected)


def test_settings_come_to_one_scale_on_which_100_is_the_best():
    np.testing.assert_allclose(on_scale("jp2", "rate", np.array([1.0, 2, 100])), [100, 50, 1])
    np.testing.assert_allclose(on_scale("bpg", "quality", np.array([0.0, 25.5, 51])), [100, 50, 0])
    np.testing.assert_allclose(on_scale("x265", "qp", np.array([51.0])), [0])
    np.testing.assert_allclose(on_scale("jpeg", "quality", np.array([30.0, 75])), [30, 75])
