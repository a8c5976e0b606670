"""Pictures in a terminal: by the protocols of kitty and iTerm2, else in half blocks, two pixels a character.

Which of them a terminal has, its environment tells. Asking it, as sixel needs, would mix its answer with what is typed;
a terminal that has sixel alone gets half blocks, as do those inside of tmux and screen, which pass no pictures on.
"""

import base64
import io
import os
import shutil
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TextIO

from geosal.cli.paper import takes_colour

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

Kind = Literal["kitty", "iterm2", "blocks"]
_KITTY = {"xterm-kitty", "xterm-ghostty", "ghostty"}
_ITERM = {"iTerm.app", "iTerm2", "WezTerm"}
_SIDE = 1000
"""Rows and columns of a picture that is sent as a PNG, at most."""
_LINES_BELOW = 3
"""Lines that stay for what is told of the picture, and for the prompt."""
_CHUNK = 4096
"""Bytes of a part of kitty's protocol."""


def kind_of(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Kind | None:
    """Return how a stream shows pictures; None where it is no terminal, shows no colours or has no half blocks."""
    if not takes_colour(stream):
        return None
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if not (environment.get("TMUX") or term.startswith(("screen", "tmux"))):
        if environment.get("KITTY_WINDOW_ID") or {term, program} & _KITTY:
            return "kitty"
        if program in _ITERM or environment.get("LC_TERMINAL") in _ITERM:
            return "iterm2"
    return "blocks" if "utf" in (stream.encoding or "").lower() else None


def room_on(kind: Kind | None) -> tuple[int, int]:
    """Return the rows and columns of pixels that a picture may have; of none of the kinds, those of a file."""
    if kind != "blocks":
        return (_SIDE, _SIDE)
    columns, lines = shutil.get_terminal_size()
    return max(2, 2 * (lines - _LINES_BELOW)), max(1, columns)


def on_screen(image: "Image", kind: Kind, environment: Mapping[str, str] = os.environ) -> str:
    """Write a picture (y, x, 3) as what a terminal shows as one."""
    if kind == "blocks":
        deep = environment.get("COLORTERM", "") in {"truecolor", "24bit"}
        return "\n".join(_half_blocks(image, deep=deep))
    png = base64.standard_b64encode(_as_png(image)).decode()
    if kind == "iterm2":
        return f"\033]1337;File=inline=1;size={len(png)}:{png}\a"
    edges = [*range(0, len(png), _CHUNK), len(png)]
    return "".join(
        f"\033_G{'a=T,f=100,q=2,' if first == 0 else ''}m={int(end < len(png))};{png[first:end]}\033\\"
        for first, end in pairwise(edges)
    )


def _as_png(image: "Image") -> bytes:
    from PIL import Image as Pillow

    with io.BytesIO() as file:
        Pillow.fromarray(image).save(file, "PNG")
        return file.getvalue()


def _half_blocks(image: "Image", *, deep: bool) -> Iterator[str]:
    """Write two rows of pixels a line: the upper as the colour of a half block, the lower as that behind it."""
    for top in range(0, len(image), 2):
        upper = [_code(pixel, deep=deep) for pixel in image[top].tolist()]
        lower = [_code(pixel, deep=deep) for pixel in image[top + 1].tolist()] if top + 1 < len(image) else None
        line, before = "", ""
        for column, colour in enumerate(upper):
            style = f"\033[38;{colour};{'49' if lower is None else f'48;{lower[column]}'}m"
            line += f"{style if style != before else ''}▀"
            before = style
        yield f"{line}\033[0m"


def _code(pixel: list[Any], *, deep: bool) -> str:
    """Write a colour in 24 bits, or as the nearest of the 6 x 6 x 6 that every terminal of 256 colours has."""
    red, green, blue = pixel
    if deep:
        return f"2;{red};{green};{blue}"
    return f"5;{16 + 36 * round(red / 51) + 6 * round(green / 51) + round(blue / 51)}"
