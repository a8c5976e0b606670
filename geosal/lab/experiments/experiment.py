"""Carry out an experiment: maps first, then for each image and quality the plain JPEG and the others of its size."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from geosal.comparison import Pair, judge
from geosal.core.ladder import Ladder
from geosal.core.progress import Progress, ProgressCallback, ignore
from geosal.errors import GeosalWarning, OutputError, TargetError
from geosal.files.publish import WorkDirectory
from geosal.lab.experiments.encoders import Encoder, GeosalEncoder
from geosal.lab.experiments.images import Picture, find_pictures
from geosal.lab.experiments.outcome import JPEG, PARTS, Figures, Outcome, Trial
from geosal.lab.experiments.saliency_maps import make_map, map_source, open_part
from geosal.lab.experiments.wish import Experiment
from geosal.scenes import Reading, open_input

_CANDIDATE = "candidate.jpg"
_TWO_PARTS = Ladder(steps=1)
_EXPECTED = (
    "has no georeferencing", "wherever the scene lies", "mean saliency", "stay as they are", "matter alike",
    "aligned by pixels", "fits by pixels", "read as 0 to 255",
)  # fmt: skip
"""Warnings that are true of most pictures, and of plain files by intention."""


def run_experiment(
    wish: Experiment, encoder: Encoder | None = None, *, progress: ProgressCallback | None = None
) -> Outcome:
    """Carry out an experiment; maps (and files, if they are kept) lie in the output folder afterwards.

    Parameters
    ----------
    wish
        What to compare, as a wish.
    encoder
        Encoder of the files; geosal's own by default.
    progress
        Called in this thread after each map and each file.

    Raises
    ------
    SceneError
        A folder has no images, or an image cannot be read.
    UsageError
        A JPEG cannot hold an image, or a SOURCE is wrong.
    OutputError
        The output folder cannot be written.
    GeosalError
        See `geosal.compress`. A size that cannot be reached is no error here, but noted in the outcome.
    """
    report, encoder = progress or ignore, encoder or GeosalEncoder(wish)
    with _quiet():
        pictures = find_pictures(wish)
        with _folders(wish, pictures) as desk:
            maps = []
            for done, picture in enumerate(pictures):
                report(Progress("maps", done, len(pictures), "images"))
                maps.append(make_map(wish, picture, desk.map_of(picture)))
            report(Progress("maps", len(pictures), len(pictures), "images"))
            trials = tuple(_trials(wish, pictures, encoder, desk, report))
    return Outcome(wish=wish, encoder=encoder.described, maps=tuple(maps), trials=trials)


@dataclass(frozen=True)
class _Desk:
    """Paths of files while the experiment runs, and after it."""

    output: Path
    candidate: Path
    """Path of each file in turn, where files are not kept."""
    keep: bool
    names: Mapping[tuple[str, str], Path]
    """Collection and path of a picture -> name of its files, with the folder of its collection if there are several."""

    def map_of(self, picture: Picture) -> Path:
        return self._place("maps", picture, ".tif")

    def file_of(self, picture: Picture, quality: int, method: str) -> Path:
        if not self.keep:
            return self.candidate
        return self._place("images", picture, f"-q{quality}-{_file_name(method)}.jpg")

    def _place(self, folder: str, picture: Picture, ending: str) -> Path:
        name = self.output / folder / self.names[picture.collection, picture.path]
        name.parent.mkdir(parents=True, exist_ok=True)
        return name.with_name(name.name + ending)


@contextmanager
def _folders(wish: Experiment, pictures: Sequence[Picture]) -> Iterator[_Desk]:
    output = Path(wish.output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with WorkDirectory(output / _CANDIDATE, overwrite=True) as work:  # and away with that of a killed run
            yield _Desk(output, work.path(_CANDIDATE), wish.keep, _names(pictures))
    except OSError as error:
        if not _is_own(error, output):
            raise
        raise OutputError(f"{output}: cannot be written: {error.strerror}; name another folder") from error


def _is_own(error: OSError, output: Path) -> bool:
    """Return whether the error is about the output folder."""
    return error.filename is not None and str(error.filename).startswith(str(output))


def _trials(
    wish: Experiment, pictures: Sequence[Picture], encoder: Encoder, desk: _Desk, report: ProgressCallback
) -> Iterator[Trial]:
    total = len(pictures) * len(wish.qualities) * (1 + len(wish.modes))
    done = 0
    for picture in pictures:
        for quality in wish.qualities:
            plain = 0
            for method in (JPEG, *wish.modes):
                report(Progress("files", done, total, "files"))
                trial = _trial(wish, picture, encoder, desk, (quality, method, plain))
                plain, done = trial.reference_bytes, done + 1
                yield trial
    report(Progress("files", total, total, "files"))


def _trial(wish: Experiment, picture: Picture, encoder: Encoder, desk: _Desk, case: tuple[int, str, int]) -> Trial:
    """Make one file and judge it; `case` is the quality, the method, and the bytes of the plain JPEG if it is there."""
    quality, method, plain = case
    path, saliency = desk.file_of(picture, quality, method), desk.map_of(picture)
    try:
        if method == JPEG:
            made = encoder.plain(picture.path, str(path), quality)
        else:
            made = encoder.shaped(picture.path, str(path), quality, method, map_source(saliency))
    except TargetError as error:
        return Trial(
            collection=picture.collection, image=picture.name, quality=quality, method=method, bytes=None,
            reference_bytes=plain, missed=str(error),
        )  # fmt: skip
    pair = Pair.of(picture.scene, open_input(str(path), Reading()), open_part(wish, picture, saliency), _TWO_PARTS)
    result = judge(pair)
    return Trial(
        collection=picture.collection,
        image=picture.name,
        quality=quality,
        method=method,
        bytes=made.bytes,
        reference_bytes=made.bytes if method == JPEG else plain,
        final_quality=made.quality,
        parts={part: Figures.of(result.scores(part)) for part in PARTS},
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress warnings that almost every picture would cause several times."""
    with warnings.catch_warnings():
        for text in _EXPECTED:
            warnings.filterwarnings("ignore", message=f".*{text}", category=GeosalWarning)
        yield


def _names(pictures: Sequence[Picture]) -> dict[tuple[str, str], Path]:
    """Name the files of each picture, so that no two have the same."""
    collections = list(dict.fromkeys(picture.collection for picture in pictures))
    names: dict[tuple[str, str], Path] = {}
    for collection, folder in zip(collections, _unlike(collections), strict=True):
        here = [picture for picture in pictures if picture.collection == collection]
        for picture, name in zip(here, _unlike([picture.name for picture in here]), strict=True):
            names[collection, picture.path] = Path(folder, name) if len(collections) > 1 else Path(name)
    return names


def _unlike(texts: Sequence[str]) -> list[str]:
    """Make names that any file system takes, numbered where they would be equal."""
    found: list[str] = []
    taken: set[str] = set()
    for plain in map(_file_name, texts):
        endings = ("" if number == 1 else f"~{number}" for number in count(1))
        name = next(plain + ending for ending in endings if (plain + ending).lower() not in taken)
        taken.add(name.lower())
        found.append(name)
    return found


def _file_name(text: str) -> str:
    """Make a name that any file system takes."""
    return "".join(letter if letter.isalnum() or letter in "-_.=," else "_" for letter in text).strip(".") or "_"
