"""Tidy tables: CSV always, Parquet beside it where pyarrow is installed."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from geosal.errors import OutputError
from geosal.files.atomic import replacing
from geosal.lab.experiments.reported import write_whole

Row = Mapping[str, Any]
"""Values by column; None where unknown."""


def write_rows(folder: Path, name: str, columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Write a table as ``NAME.csv``, and as ``NAME.parquet`` where pyarrow is.

    Returns
    -------
    list of str
        Paths of the files.

    Raises
    ------
    OutputError
        One of them cannot be written.
    """
    path = write_whole(folder / f"{name}.csv", csv_text(columns, rows))
    return [path] if find_spec("pyarrow") is None else [path, _write_parquet(folder / f"{name}.parquet", columns, rows)]


def csv_text(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Write rows as CSV: unknown values are empty, and numbers have all their digits."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows([_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> str:
    import pyarrow as pa  # an extra
    from pyarrow import parquet

    known = {column: [None if _cell(row[column]) == "" else row[column] for row in rows] for column in columns}
    try:
        with replacing(path) as part:
            parquet.write_table(pa.table(known), part)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; name another folder") from error
    return str(path)
