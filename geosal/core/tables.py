"""What results look like where people look at them: a table in a notebook, and the same as text."""

import html
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """A small table.

    Attributes
    ----------
    title
        Caption.
    header
        Names of the columns; empty for none.
    rows
        Cells; None is an empty one, floats get four significant digits.
    said
        Options that a file told and nobody gave, for the caption.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    said: Mapping[str, object] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        """Return the title, with what was said."""
        if not self.said:
            return self.title
        return f"{self.title}; read as the file says: {', '.join(f'{name}={v!r}' for name, v in self.said.items())}"

    def as_html(self) -> str:
        """Write it in HTML."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.header)
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(_cell(value))}</td>' for value in row)}</tr>" for row in self.rows
        )
        return (
            f"<table><caption>{html.escape(self.caption)}</caption>"
            f"{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
        )

    def as_text(self) -> str:
        """Write it in lines, its columns below one another."""
        lines = [[*map(_cell, row)] for row in ((self.header, *self.rows) if self.header else self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        laid = ("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines)
        return "\n".join([self.caption, *(line.rstrip() for line in laid)])


class Tabled:
    """A result that is shown as a table: in HTML by a notebook, as text by ``print``."""

    __slots__ = ()

    @abstractmethod
    def _table(self) -> Table:
        """Return what people look at first."""

    def _repr_html_(self) -> str:
        return self._table().as_html()

    def __str__(self) -> str:
        return self._table().as_text()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
