"""What a recipe that nobody vouches for may ask of vectors: to compare attributes, and to read plain tables."""

import os
import re
from contextlib import closing

_SQLITE = b"SQLite format 3\0"
_SPATIAL_INDEX = re.compile(r"""CREATE VIRTUAL TABLE ("[^"]+"|\w+) USING rtree ?\([^()]*\)""", re.IGNORECASE)
_WORDS = frozenset({"AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN"})
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<value> '(?:[^'\\]|'')*' | [+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]) )
      | (?P<name> "(?:[^"\\]|"")+" )
      | (?P<word> [^\W\d]\w* )
      | (?P<compare> <= | >= | <> | != | == | = | < | > )
      | (?P<mark> [(),] )
    )""",
    re.VERBOSE,
)
"""No backslash stands in quotes: for some parsers it escapes the one that follows."""


def compares_only(where: str) -> bool:
    """Return whether a filter only compares attributes with values.

    It is made of names, values, comparisons, the words AND, OR, NOT, IN, IS, NULL, LIKE and BETWEEN, commas, and
    parentheses that open at the beginning or after a comparison, a word or another one. Functions of SQL, which can be
    endless or call a server, queries, comments and arithmetic are none of these.
    """
    place, before, where = 0, "(", where.rstrip()
    while place < len(where):
        found = _TOKEN.match(where, place)
        if found is None:
            return False
        text, kind, place = found[0].strip(), found.lastgroup, found.end()
        if kind == "word" and text.upper() in _WORDS:
            kind = text = text.upper()
        follows_operand = before in {"operand", ")"}
        if before == "IN" and text != "(":
            return False
        if text == "(" and kind == "mark":
            if follows_operand or before == ",":
                return False
        elif kind in {"value", "name", "word"}:
            if follows_operand:
                return False
            text = "operand"
        before = text
    return True


def has_queries(path: str) -> bool:
    """Return whether a file is a database of SQLite, such as a GeoPackage, that holds more than plain tables.

    A view is a query, and so may be a virtual table other than a spatial index. A database that cannot be read is told
    to have them.
    """
    if os.path.isdir(path):  # a Zarr store
        return False
    with open(path, "rb") as file:
        if file.read(len(_SQLITE)) != _SQLITE:
            return False
    import sqlite3  # few recipes name a database

    place = f"file:{_escaped(os.path.abspath(path))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(place, uri=True)) as database:
            found = database.execute(
                "SELECT sql FROM sqlite_master WHERE type = 'view' OR (type = 'table' AND rootpage = 0)"
            ).fetchall()
            return any(_SPATIAL_INDEX.fullmatch(str(sql)) is None for (sql,) in found)
    except sqlite3.Error:
        return True


def _escaped(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
