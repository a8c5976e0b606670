"""A recipe as a YAML file, or the recipes of several jobs."""

import os
from pathlib import Path
from typing import Any

from geosal.core.cluster.scheduler import LOCAL
from geosal.core.option_values import in_folder
from geosal.errors import UsageError
from geosal.sources.text import SourceText


def read_recipe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the options in a YAML file.

    Relative paths in it (`input`, `stack`, `output`, `like`, `scheduler`, and those of `saliency`) count from the
    file's own folder, in whatever folder the job starts; they are returned as paths that count from the working
    directory.

    Raises
    ------
    SceneError
        The file cannot be read.
    UsageError
        It holds no YAML mapping, a SOURCE that cannot be, or several jobs.
    """
    wish, jobs = read_jobs(path)
    if jobs:
        raise UsageError(f"{path}: holds several jobs, for geosal compress and geosal plan alone; name a file of one")
    return wish


def read_jobs(path: str | os.PathLike[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read a YAML file of options, and of each job under ``jobs``, which goes before what stands beside it.

    Returns
    -------
    wish
        As `read_recipe` returns it.
    jobs
        Options of each job, likewise; empty where the file is of one.

    Raises
    ------
    SceneError, UsageError
        As `read_recipe`; or ``jobs`` is no list of such mappings.
    """
    from geosal.core.yaml_file import read_yaml  # most jobs have no such file

    wish, folder = read_yaml(os.fspath(path)), Path(path).parent
    jobs = wish.pop("jobs", None)
    if jobs is None:
        return _placed(wish, folder), []
    if not isinstance(jobs, list) or not jobs or not all(isinstance(job, dict) and "jobs" not in job for job in jobs):
        raise UsageError(f"{path}: jobs is a list of mappings of options, each with its input and its output")
    return _placed(wish, folder), [_placed(job, folder) for job in jobs]


def _placed(wish: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return options with paths that count from where we are, and not from a folder."""
    wish = dict(wish)
    for key in ("input", "output", "like", "scheduler"):
        if isinstance(found := wish.get(key), str) and not (key == "scheduler" and found in LOCAL):
            wish[key] = in_folder(found, folder)
    for key, placed in (("stack", in_folder), ("saliency", _source_in)):
        found = wish.get(key)
        if isinstance(found, str | list):
            several = [found] if isinstance(found, str) else found
            wish[key] = [placed(text, folder) if isinstance(text, str) else text for text in several]
    return wish


def _source_in(text: str, folder: Path) -> str:
    return SourceText.parse_in(text, folder).text
