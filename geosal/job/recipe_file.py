"""A recipe as a YAML file."""

import os
from pathlib import Path
from typing import Any

from geosal.core.option_values import in_folder, read_yaml
from geosal.sources.text import SourceText


def read_recipe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the options in a YAML file.

    Relative paths in it (`input`, `stack`, `output`, `like`, and those of `saliency`) count from the file's own folder,
    in whatever folder the job starts; they are returned as paths that count from the working directory.

    Raises
    ------
    SceneError
        The file cannot be read.
    UsageError
        It holds no YAML mapping, or a SOURCE that cannot be.
    """
    wish, folder = read_yaml(os.fspath(path)), Path(path).parent
    for key in ("input", "output", "like"):
        if isinstance(found := wish.get(key), str):
            wish[key] = in_folder(found, folder)
    for key, placed in (("stack", in_folder), ("saliency", _source_in)):
        found = wish.get(key)
        if isinstance(found, str | list):
            several = [found] if isinstance(found, str) else found
            wish[key] = [placed(text, folder) if isinstance(text, str) else text for text in several]
    return wish


def _source_in(text: str, folder: Path) -> str:
    return SourceText.parse_in(text, folder).text
