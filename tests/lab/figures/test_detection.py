"""Figures 15 to 17."""

import numpy as np
from study_tables import detection_rows

ROWS = detection_rows()


def test_panels_have_a_line_of_kernels_and_a_point_of_the_mask_for_each_metric(drawn):
    names = {"AP": "ap", "AP50": "ap50", "AP75": "ap75", "AP small": "small", "AP medium": "medium"}
    for figure, column in (("15", "bpp"), ("16", "effective_kernel")):
        panels = {axis.get_title(): axis for axis in drawn(figure).axes if axis.get_visible()}
        assert set(panels) == set(names)  # of large objects nothing is known
        for title, metric in names.items():
            uniform, boxes = (line.get_xydata() for line in panels[title].lines)
            points = sorted((row[column], row[metric]) for row in ROWS if row["mask"] == "none")
            np.testing.assert_allclose(uniform, points)
            np.testing.assert_allclose(boxes, [(ROWS[-1][column], ROWS[-1][metric])])


def test_baselines_are_the_nearest_kernel_the_nearest_rate_and_the_best(drawn):
    axis = drawn("17").axes[0]
    labels = [bars.get_label() for bars in axis.containers]
    assert labels == ["boxes, $K_e$ = 13.8", "nearest kernel: K = 13", "nearest rate: K = 11", "best: K = 1"]
    by_width = {row["kernel"]: row for row in ROWS}
    for bars, row in zip(axis.containers, (ROWS[-1], by_width[13], by_width[11], by_width[1]), strict=True):
        heights = [bar.get_height() for bar in bars]
        np.testing.assert_allclose(heights, [row[name] for name in ("ap", "ap50", "ap75", "small", "medium")])
