"""A recipe of unknown origin compares attributes of plain tables, and does nothing else."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from geosal.job.trusted import compares_only, has_queries


@pytest.mark.parametrize(
    "where",
    [
        "", "a = 1", "kind IN ('a/b', 'it''s (x)') AND NOT (size < 3)", "(a<=-1.5e3 OR \"the kind\" <> 'x')",
        "a is not null and (b LIKE 'ab%')", "a BETWEEN 1 AND 2", "not(a = 1)", "Größe >= .5", "((a = 1))",
    ],
)  # fmt: skip
def test_comparisons_are_taken(where: str) -> None:
    assert compares_only(where)


@pytest.mark.parametrize(
    "where",
    [
        "abs(-1) = 1", '"abs"(-1) = 1', "[abs](-1) = 1", "`abs`(-1) = 1", "abs/**/(-1) = 1", "abs--x\n(-1) = 1",
        "abs (-1) = 1", "'abs'(-1)", "a IN (SELECT 1)", "a = 1; DROP", "a || b = 'x'", "a = 'x", "NULL (1)", "1(2)",
        "(a)(1)", "x.abs(1)", "a = ?", "CASE WHEN a THEN abs(1) END", "1e400x = 2", "a = x'00'(1)", "a IN b",
        "a - 1 = 2", "(SELECT 1)", "(SELECT a FROM b)", r"a = '\' = 'abs(-1) = '",
    ],
)  # fmt: skip
def test_what_does_more_is_refused(where: str) -> None:
    assert not compares_only(where)


def test_a_view_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%41.gpkg"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE a (b)")
        assert not has_queries(str(path))
        database.execute("CREATE VIRTUAL TABLE rtree_a USING rtree(id, minx, maxx)")
        assert not has_queries(str(path))
        database.execute("CREATE VIEW c AS SELECT abs(b) FROM a")
    assert has_queries(str(path))
    (tmp_path / "broken.gpkg").write_bytes(b"SQLite format 3\0" + 90 * b"x")
    assert has_queries(str(tmp_path / "broken.gpkg"))
    (tmp_path / "plain.geojson").write_text("{}")
    assert not has_queries(str(tmp_path / "plain.geojson"))
