"""Tables for notebooks: what results look like there."""

import html
from collections.abc import Iterable, Mapping, Sequence


def html_table(
    title: str, header: Sequence[str], rows: Iterable[Sequence[object]], said: Mapping[str, object] | None = None
) -> str:
    """Write a small table in HTML.

    Parameters
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
    if said:
        title += f"; read as the file says: {', '.join(f'{name}={value!r}' for name, value in said.items())}"
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in rows)
    return (
        f"<table><caption>{html.escape(title)}</caption>"
        f"{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else html.escape(str(value))
