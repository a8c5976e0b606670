import math
from pathlib import Path

import pytest

from geosal.errors import OutputError
from geosal.lab.experiments.rows import csv_text, write_rows

ROWS = [{"name": "a, b", "bytes": 3, "psnr": math.inf, "ssim": 0.1 + 0.2}, dict.fromkeys(("name", "bytes", "psnr"))]
ROWS[1]["ssim"] = math.nan
COLUMNS = ("name", "bytes", "psnr", "ssim")


def test_numbers_have_all_their_digits_and_the_unknown_is_empty() -> None:
    assert csv_text(COLUMNS, ROWS) == 'name,bytes,psnr,ssim\n"a, b",3,inf,0.30000000000000004\n,,,\n'


def test_parquet_has_the_same_where_pyarrow_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    first, second = write_rows(tmp_path, "table", COLUMNS, ROWS)
    assert Path(first).read_text() == csv_text(COLUMNS, ROWS)
    assert parquet.read_table(second).to_pylist() == [ROWS[0], dict.fromkeys(COLUMNS)]
    monkeypatch.setattr("geosal.lab.experiments.rows.find_spec", lambda _: None)
    assert write_rows(tmp_path, "other", COLUMNS, ROWS) == [str(tmp_path / "other.csv")]


def test_a_table_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(OutputError, match=r"table.csv: cannot be written"):
        write_rows(tmp_path, "table", COLUMNS, ROWS)
