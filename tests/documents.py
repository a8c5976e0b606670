"""What a page of the documents tells its reader to run."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL, PYTHON, YAML = "sh", "python", "yaml"


@dataclass(frozen=True)
class Block:
    """A fence of a page: its language, its text, and the line of the page that it begins in."""

    language: str
    text: str
    line: int

    def commands(self) -> Iterator[list[str]]:
        """Yield the words of each command of a shell's block; what && joins are several."""
        for line in self.text.replace("\\\n", " ").splitlines():
            words: list[str] = []
            for word in shlex.split(line, comments=True):
                if word == "&&":
                    yield words
                    words = []
                else:
                    words.append(word)
            if words:
                yield words


def blocks_of(page: Path) -> list[Block]:
    """Return all fences of a page that name a language."""
    text = page.read_text(encoding="utf-8")
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in _FENCE.finditer(text)]
