"""Figures 15 to 17."""

import numpy as np
import pytest
from study_tables import detection_rows, make_study, write_csv

from geosal.errors import SceneError
from geosal.lab.figures import Tables, draw

ROWS = [row for row in detection_rows() if row["encoder"] == "png"]
NAMES = {"AP": "ap", "AP50": "ap50", "AP75": "ap75", "AP small": "ap_small", "AP medium": "ap_medium"}


@pytest.mark.parametrize(("figure", "column"), [("15", "bpp"), ("16", "effective_kernel")])
def test_each_data_set_and_metric_has_a_panel_with_a_line_of_kernels_and_points_of_masks(drawn, figure, column):
    panels = {axis.get_title(): axis for axis in drawn(figure).axes if axis.get_visible()}
    wanted = {f"ships: {name}" for name in NAMES} | {f"aircraft: {name}" for name in NAMES if name != "AP medium"}
    assert set(panels) == wanted  # of large objects nothing is known
    for title, axis in panels.items():
        dataset, _, name = title.partition(": ")
        rows = [row for row in ROWS if row["dataset"] == dataset]
        lines = {line.get_label(): line.get_xydata() for line in axis.lines}
        points = sorted((row[column], row[NAMES[name]]) for row in rows if row["mask"] == "none")
        np.testing.assert_allclose(lines["uniform"], points)
        for mask in ("boxes", "poor"):
            (row,) = (row for row in rows if row["mask"] == mask)
            np.testing.assert_allclose(lines[mask], [(row[column], row[NAMES[name]])])


def test_intervals_are_shaded_where_they_are_known(drawn):
    panels = {axis.get_title(): axis for axis in drawn("16").axes}
    rows = [row for row in ROWS if row["dataset"] == "ships"]
    shade, *bars = panels["ships: AP"].collections
    heights = shade.get_paths()[0].vertices[:, 1]
    uniform = [row for row in rows if row["mask"] == "none"]
    assert set(np.round(heights, 9)) >= {round(row["ap_low"], 9) for row in uniform}
    ends = sorted(tuple(bar.get_segments()[0][:, 1]) for bar in bars)
    np.testing.assert_allclose(ends, sorted((r["ap_low"], r["ap_high"]) for r in rows if r["mask"] != "none"))
    widths = [bar.get_linewidth()[0] for bar in bars]
    assert widths == sorted(set(widths), reverse=True)  # a bar hides none that was drawn before it
    assert {line.get_markerfacecolor() for line in panels["ships: AP"].lines[1:]} == {"none"}
    assert not panels["ships: AP75"].collections


def test_baselines_are_the_nearest_kernel_the_nearest_rate_and_the_best(drawn):
    axes = drawn("17").axes
    assert [axis.get_title() for axis in axes] == ["ships", "aircraft"]
    for axis, metrics in zip(axes, (list(NAMES.values()), list(NAMES.values())[:4]), strict=True):
        rows = {row["kernel"] or row["mask"]: row for row in ROWS if row["dataset"] == axis.get_title()}
        labels = [bars.get_label() for bars in axis.containers]
        assert labels == ["boxes, Kₑ = 13.8", "nearest kernel: K = 13", "nearest rate: K = 11", "best: K = 1"]
        for bars, which in zip(axis.containers, ("boxes", 13, 11, 1), strict=True):
            np.testing.assert_allclose([bar.get_height() for bar in bars], [rows[which][name] for name in metrics])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda rows: [{k: v for k, v in row.items() if k != "bpp"} for row in rows], "has no column bpp"),
        (lambda rows: [{**row, **dict.fromkeys(NAMES.values())} for row in rows], "knows no average precision"),
        (lambda rows: [row for row in rows if row["mask"] == "none"], "no rows of images smoothed by a mask"),
    ],
)
def test_what_the_table_lacks_is_told(tmp_path, change, fault):
    make_study(tmp_path)
    write_csv(tmp_path / "detection.csv", change(detection_rows()))
    with pytest.raises(SceneError, match=fault):
        draw(str(tmp_path), names=["17"])
    assert Tables((str(tmp_path),)).sweep
