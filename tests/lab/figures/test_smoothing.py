"""Figures 5 to 9 and 13 hold what plain Python makes of the rows."""

import math

import numpy as np
import pytest
from study_tables import DATASETS, IMAGES, KERNELS, LEVELS, MASKS, level_rows, make_study, sweep_rows, write_csv

from geosal.lab.figures import Tables

ROWS = [row for row in sweep_rows() if row["encoder"] == "png"]


def mean(column: str, rows: list, **equal: object) -> float:
    return float(np.mean([row[column] for row in rows if all(row[key] == value for key, value in equal.items())]))


def named(axis) -> dict[str, np.ndarray]:
    return {line.get_label(): np.asarray(line.get_xydata()) for line in axis.lines}


@pytest.mark.parametrize(("name", "column"), [("5a", "reduction_of_original"), ("5b", "mse"), ("13", "bpp")])
def test_lines_are_means_by_kernel_and_points_by_mask(drawn, name, column):
    lines = named(drawn(name).axes[0])
    uniform = [(width, mean(column, ROWS, mask="none", kernel=width)) for width in KERNELS]
    np.testing.assert_allclose(lines["uniform"], uniform)
    for mask, width in MASKS.items():
        np.testing.assert_allclose(lines[mask], [(width, mean(column, ROWS, mask=mask))])


def test_the_fits_are_those_of_least_squares(drawn):
    for name, of, column in (("5a", np.log, "reduction_of_original"), ("5b", np.asarray, "mse")):
        points = np.array([(width, mean(column, ROWS, mask="none", kernel=width)) for width in KERNELS])
        across = np.stack([of(points[:, 0]), np.ones(len(points))], axis=1)
        (slope, level), rest, *_ = np.linalg.lstsq(across, points[:, 1])
        label, line = next((label, line) for label, line in named(drawn(name).axes[0]).items() if "R²" in label)
        np.testing.assert_allclose(line[:, 1], slope * of(line[:, 0]) + level, atol=1e-9)
        whole = np.sum((points[:, 1] - points[:, 1].mean()) ** 2)
        assert label.endswith(f"R² = {1 - float(rest[0] if rest.size else 0) / whole:.3f}")


def test_errors_by_level_have_a_panel_for_each_data_set(drawn):
    rows = [row for row in level_rows() if row["encoder"] == "png"]
    axes = drawn("6").axes
    assert [axis.get_title() for axis in axes] == [*DATASETS]
    for axis in axes:
        for mask, widths in LEVELS.items():
            wanted = sorted(
                (1 - (width - 1) / 16, mean("mse", rows, dataset=axis.get_title(), mask=mask, kernel=width))
                for width in widths
            )
            np.testing.assert_allclose(named(axis)[mask], wanted)


def test_reductions_by_level_are_means_over_all_images(drawn):
    rows = [row for row in level_rows() if row["encoder"] == "png"]
    lines = named(drawn("7").axes[0])
    for mask, widths in LEVELS.items():
        wanted = sorted((1 - (w - 1) / 16, mean("reduction", rows, mask=mask, kernel=w)) for w in widths)
        np.testing.assert_allclose(lines[mask], wanted)


def like(dataset: str, image: str, width: float) -> float:
    """The rate of an image's uniform file at an effective kernel, by hand between its neighbours."""
    rate = {row["kernel"]: row["bpp"] for row in ROWS if (row["dataset"], row["image"]) == (dataset, image)}
    low = max(kernel for kernel in KERNELS if kernel <= width)
    high = min(low + 2, KERNELS[-1])
    return rate[low] + (rate[high] - rate[low]) * ((width - low) / 2 if high > low else 0)


@pytest.mark.parametrize(("name", "key", "kinds"), [("8", "dataset", [*DATASETS]), ("9", "mask", [*MASKS])])
def test_bars_are_rates_of_originals_of_uniform_files_alike_and_of_masks(drawn, name, key, kinds):
    axis = drawn(name).axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == kinds
    heights = np.array([[bar.get_height() for bar in bars] for bars in axis.containers])
    for place, kind in enumerate(kinds):
        files = [row for row in ROWS if row[key] == kind and row["mask"] != "none"]
        plain = [
            row["bpp"] for row in ROWS if row["kernel"] == 1 and row["dataset"] in {file["dataset"] for file in files}
        ]
        uniform = [like(row["dataset"], row["image"], row["effective_kernel"]) for row in files]
        wanted = [np.mean(plain), np.mean(uniform), np.mean([row["bpp"] for row in files])]
        np.testing.assert_allclose(heights[:, place], wanted)


def test_a_mask_that_not_all_images_have_is_left_out_of_means_but_shown_alone_in_figure_13(tmp_path, drawn):
    rows = sweep_rows()
    first = {"dataset": "RarePlanes", "image": "scene0", "encoder": "png"}
    only = next(row for row in rows if row["mask"] == "half" and first.items() <= row.items())
    rows.append({**only, "mask": "aircraft", "effective_kernel": 13.8, "bpp": 7.7})
    make_study(tmp_path)
    write_csv(tmp_path / "sweep.csv", rows)
    tables = Tables((str(tmp_path),))
    assert "aircraft" not in named(drawn("5a", tables).axes[0])
    lines = named(drawn("13", tables).axes[0])
    np.testing.assert_allclose(lines["aircraft"], [(13.8, 7.7)])
    of_image = [row["bpp"] for row in rows if row["mask"] == "none" and first.items() <= row.items()]
    np.testing.assert_allclose(lines["uniform"][:, 1], of_image)
    assert set(lines) == {"uniform", "aircraft"}


def test_what_is_unknown_counts_in_no_mean(tmp_path, drawn):
    rows = sweep_rows()
    for row in rows:
        if row["image"] == "scene0":
            row["mse"] = None
    make_study(tmp_path)
    write_csv(tmp_path / "sweep.csv", rows)
    known = [row for row in rows if row["encoder"] == "png" and row["mse"] is not None]
    assert len(known) == len(ROWS) * (IMAGES - 1) / IMAGES
    lines = named(drawn("5b", Tables((str(tmp_path),))).axes[0])
    wanted = [(width, mean("mse", known, mask="none", kernel=width)) for width in KERNELS]
    np.testing.assert_allclose(lines["uniform"], wanted)
    assert not any(math.isnan(value) for line in lines.values() for value in line.flat)
