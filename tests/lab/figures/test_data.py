"""Figure 1 and Table 1."""

import numpy as np
from study_tables import DATASETS, IMAGES, make_study, sweep_rows, write_csv

from geosal.lab.figures import Tables
from geosal.lab.figures.data import summary

ROWS = [row for row in sweep_rows() if row["encoder"] == "png" and row["mask"] == "none" and row["kernel"] == 1]


def test_every_original_is_a_point_with_quartiles_and_median_below(drawn):
    axis = drawn("1").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == [f"{name} ({IMAGES})" for name in DATASETS]
    for row, dataset in enumerate(DATASETS):
        rates = sorted(file["bpp"] for file in ROWS if file["dataset"] == dataset)
        points, box, middle = axis.lines[3 * row : 3 * row + 3]
        np.testing.assert_allclose(points.get_xdata(), rates)
        np.testing.assert_allclose(box.get_xdata(), np.quantile(rates, (0.25, 0.75)))
        np.testing.assert_allclose(middle.get_xdata(), np.median(rates))


def test_table_1_has_the_study_above_the_paper(tables):
    _, *rows = summary(tables)
    assert len(rows) == len(DATASETS) + 4
    rates = [file["bpp"] for file in ROWS if file["dataset"] == "Landsat"]
    assert rows[3] == ("Landsat", "3", "1,010", "900", f"{np.mean(rates):.2f}")
    assert rows[4][:2] == ("RarePlanes in the paper: real, train and test", "253")


def test_table_1_does_without_sizes(tmp_path):
    make_study(tmp_path)
    rows = [{name: value for name, value in row.items() if name != "width"} for row in sweep_rows()]
    write_csv(tmp_path / "sweep.csv", rows)
    assert summary(Tables((str(tmp_path),)))[1][2:4] == ("", "")
