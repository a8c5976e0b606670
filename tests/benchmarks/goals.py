"""What the project wants, beside what was reached."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from report import OURS, Row, Table, peer

_MIB = 2**20
_AREA_GROWTH = 1.1
_FULL_SCENE = 10000
"""From so many rows on memory shall not grow; smaller scenes need less."""
Reached = tuple[str, float]
"""Where, and the figure."""


@dataclass(frozen=True)
class Goal:
    """A figure that shall not be more than `limit`."""

    text: str
    limit: float
    reached: Callable[[Sequence[Row]], Iterator[Reached]]
    worst: bool = False
    """Only the largest figure is of interest."""


def _against(who: str, codec: str, what: str = "wall") -> Callable[[Sequence[Row]], Iterator[Reached]]:
    """Ratio of ours to a baseline's, in each case of a codec."""

    def reached(rows: Sequence[Row]) -> Iterator[Reached]:
        for row in _ours(rows, codec):
            other = peer(row, rows, who)
            if other is not None and what == "wall":
                yield _where(row), row.least(what) / other.least(what)
            elif other is not None:
                yield _where(row), row.most(what) / other.most(what)

    return reached


def _ours(rows: Sequence[Row], codec: str = "") -> Iterator[Row]:
    return (row for row in rows if row.who == OURS and row.codec.startswith(codec) and codec in {"", row.codec})


def _where(row: Row) -> str:
    return ", ".join(row.case)


def _memory(rows: Sequence[Row]) -> Iterator[Reached]:
    for row in _ours(rows):
        yield _where(row), row.most("memory") / _MIB


def _growth(rows: Sequence[Row]) -> Iterator[Reached]:
    """Memory at twice the side over memory at the side."""
    for small in _ours(rows):
        for large in _ours(rows):
            twice = _side(large) == 2 * _side(small) > 2 * _FULL_SCENE
            if twice and small.case[1:] == large.case[1:] and small.scene.split()[1] == large.scene.split()[1]:
                yield f"{_where(small)} to {large.scene}", large.most("memory") / small.most("memory")


def _side(row: Row) -> int:
    return int(row.scene.split("²")[0])


def _disk(codecs: Sequence[str]) -> Callable[[Sequence[Row]], Iterator[Reached]]:
    def reached(rows: Sequence[Row]) -> Iterator[Reached]:
        for codec in codecs:
            for row in _ours(rows, codec):
                yield _where(row), row.most("temporary") / row.least("size")

    return reached


def _levels(rows: Sequence[Row]) -> Iterator[Reached]:
    """Wall of nine levels over wall of two."""
    for row in _ours(rows):
        nine = next((r for r in _ours(rows, row.codec) if (r.scene, r.mask) == (row.scene, "blobs9")), None)
        if row.mask == "blobs2" and nine is not None:
            yield f"{row.scene}, {row.codec}", nine.least("wall") / row.least("wall")


def _bytes(rows: Sequence[Row]) -> Iterator[Reached]:
    for codec in ("deflate", "deflate7"):
        for row in _ours(rows, codec):
            other = peer(row, rows, "gdal")
            if other is not None:
                yield _where(row), row.least("size") / other.least("size")


_COG = ("deflate7", "deflate", "zstd1", "zstd9", "zstd", "lzw", "jpeg", "jpeg-quality", "webp", "raw")
_JP2 = ("jp2-lossless", "jp2", "htj2k")

GOALS = (
    Goal("COG DEFLATE at equal bytes / GDAL's copy", 0.90, _against("gdal", "deflate7")),
    Goal("COG DEFLATE / GDAL's copy", 0.60, _against("gdal", "deflate")),
    Goal("bytes, COG DEFLATE / GDAL's copy", 1.04, _bytes),
    Goal("COG DEFLATE of a JP2 / GDAL's copy of it, unsmoothed", 0.70, _against("source", "deflate")),
    Goal("COG ZSTD 1 / GDAL's copy", 0.65, _against("gdal", "zstd1")),
    Goal("COG JPEG 75 / GDAL's copy", 0.60, _against("gdal", "jpeg")),
    Goal("COG JPEG 75 by `quality` / GDAL's copy of the scene", 0.60, _against("gdal", "jpeg-quality")),
    Goal("JPEG by `quality` at a target / GDAL's plain JPEG of the scene", 1.60, _against("gdal", "jpg")),
    Goal("JP2 lossless / GDAL's copy", 1.05, _against("gdal", "jp2-lossless")),
    Goal("HTJ2K / GDAL's JP2 lossless", 0.45, _against("gdal", "htj2k")),
    Goal("COG DEFLATE / script in memory", 0.50, _against("memory", "deflate")),
    Goal("COG JPEG 75 / script in memory", 0.50, _against("memory", "jpeg")),
    Goal("memory, COG DEFLATE / script in memory", 0.25, _against("memory", "deflate", "memory")),
    Goal("memory, COG JPEG 75 / script in memory", 0.25, _against("memory", "jpeg", "memory")),
    Goal("peak memory, MiB", 512, _memory, worst=True),
    Goal("peak memory at four times the area / at once", _AREA_GROWTH, _growth, worst=True),
    Goal("temporary disk / output, COG", 1.0, _disk(_COG), worst=True),
    Goal("temporary disk / output, JPEG2000", 0.0, _disk(_JP2), worst=True),
    Goal("whole job, nine levels / two levels", 1.15, _levels),
)


def goals_table(rows: Sequence[Row]) -> Table:
    """Each goal beside each figure that was reached, and whether that will do."""
    table: Table = [("goal", "where", "at most", "reached", "")]
    for goal in GOALS:
        found = sorted(goal.reached(rows), key=lambda reached: -reached[1])
        found = found[:1] if goal.worst else found
        table.extend(
            (goal.text, where, f"{goal.limit:g}", f"{figure:.3g}", "yes" if round(figure, 2) <= goal.limit else "NO")
            for where, figure in found
        )
        if not found:
            table.append((goal.text, "not measured", f"{goal.limit:g}", "", ""))
    return table
