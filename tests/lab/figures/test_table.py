"""Tables, read back, and what is wrong with them."""

import numpy as np
import pytest
from study_tables import make_study, sweep_rows, write_csv

from geosal.errors import SceneError
from geosal.lab.experiments.engine import open_log
from geosal.lab.figures import Tables
from geosal.lab.figures.table import Table


def table(tmp_path, text: str) -> Table:
    path = tmp_path / "t.csv"
    path.write_text(text)
    return Table.read(str(path), ["mask"])


def test_rows_are_chosen_and_averaged_by_column(tmp_path):
    read = table(tmp_path, "mask,kernel,bpp\nnone,3,4\nnone,1,8\nhalf,,5\nnone,3,6\n")
    assert read.kinds("mask") == ["none", "half"]
    assert read.kinds("kernel") == [1, 3]
    np.testing.assert_array_equal(read.where(mask="none").means("kernel", "bpp"), [(1, 8), (3, 5)])
    assert read.where(kernel=float("nan"))["bpp"].tolist() == [5]
    assert read.unlike(mask="none")["bpp"].tolist() == [5]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "has no column mask; it has none"),
        ("kernel\n1\n", "has no column mask; it has kernel"),
        ("mask,bpp\nnone,1\nnone\n", "line 3 does not have the 2 values"),
        ("mask,bpp\nnone,1\nhalf,x\n", "line 3: bpp is no number: 'x'"),
    ],
)
def test_a_table_that_is_none_is_refused_in_a_line(tmp_path, text, fault):
    with pytest.raises(SceneError, match=fault):
        table(tmp_path, text)


def test_no_table_and_an_empty_one_are_told(tmp_path):
    with pytest.raises(SceneError, match=r"has no sweep\.csv; .* of a recipe of study: sweep, such as configs/paper"):
        _ = Tables((str(tmp_path),)).sweep
    write_csv(tmp_path / "sweep.csv", sweep_rows()[:1])
    head = (tmp_path / "sweep.csv").read_text().splitlines()[0]
    (tmp_path / "sweep.csv").write_text(head + "\n")
    with pytest.raises(SceneError, match="has no rows at all"):
        _ = Tables((str(tmp_path),)).sweep
    (tmp_path / "sweep.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SceneError, match="cannot be read"):
        _ = Tables((str(tmp_path),)).sweep


def test_a_study_of_another_kind_is_named(tmp_path):
    with open_log(tmp_path, {"study": "jpegs"}, resume=False):
        pass
    with pytest.raises(
        SceneError, match=r"has no detection\.csv; .*study: detection.*what lies here is of study: jpegs$"
    ):
        Tables((str(tmp_path),)).read("detection")


def test_the_original_is_found_by_its_reductions(tmp_path):
    make_study(tmp_path)
    rows = [{**row, "encoder": {"png": "flate"}.get(row["encoder"], row["encoder"])} for row in sweep_rows()]
    write_csv(tmp_path / "sweep.csv", rows)
    assert Tables((str(tmp_path),)).original == "flate"
    write_csv(tmp_path / "sweep.csv", [row for row in rows if row["encoder"] != "flate"])
    with pytest.raises(SceneError, match="no encoder's unsmoothed images have a reduction_of_original of 0"):
        _ = Tables((str(tmp_path),)).original
    write_csv(tmp_path / "sweep.csv", [row for row in rows if row["kernel"] != 1])
    with pytest.raises(SceneError, match=r"has no rows of unsmoothed images \(mask none, kernel 1\)"):
        _ = Tables((str(tmp_path),)).original


def test_tables_of_several_studies_are_put_together_and_no_file_counts_twice(tmp_path):
    rows = sweep_rows()
    parts = {"a": ("png", "jp2"), "b": ("png", "bpg")}
    for name, encoders in parts.items():
        (tmp_path / name).mkdir()
        write_csv(tmp_path / name / "sweep.csv", [row for row in rows if row["encoder"] in encoders])
    (tmp_path / "c").mkdir()
    together = Tables(tuple(str(tmp_path / name) for name in ("a", "b", "c"))).sweep
    assert len(together) == len(rows)
    assert together.kinds("encoder") == ["png", "jp2", "bpg"]
    assert together["bytes"].sum() == sum(row["bytes"] for row in rows)
