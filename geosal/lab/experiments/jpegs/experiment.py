"""Carry out an experiment: maps first, then for each image and quality the plain JPEG and the others of its size."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from geosal.comparison import Pair, judge
from geosal.core.ladder import Ladder
from geosal.errors import TargetError
from geosal.lab.experiments.desk import Desk, open_desk
from geosal.lab.experiments.engine import USUALLY, Course, Task, open_log, work_off
from geosal.lab.experiments.images import Picture, contents_of, find_pictures, quiet
from geosal.lab.experiments.jpegs.encoders import Encoder, GeosalEncoder
from geosal.lab.experiments.jpegs.outcome import JPEG, PARTS, Figures, MapFacts, Outcome, Trial
from geosal.lab.experiments.jpegs.saliency_maps import make_map, map_source, open_part
from geosal.lab.experiments.jpegs.wish import Experiment
from geosal.scenes import Reading, open_input

_TWO_PARTS = Ladder(steps=1)


def run_experiment(wish: Experiment, course: Course = USUALLY, *, encoder: Encoder | None = None) -> Outcome:
    """Carry out an experiment; maps (and files, if they are kept) lie in the output folder afterwards.

    Parameters
    ----------
    wish
        What to compare, as a wish.
    course
        How; each job has all cores, so that there is one at a time.
    encoder
        Encoder of the files; geosal's own by default.

    Raises
    ------
    SceneError
        A folder has no images, or an image cannot be read.
    UsageError
        A JPEG cannot hold an image, or a SOURCE is wrong; or the folder holds what `resume` cannot go on with.
    OutputError
        The output folder cannot be written.
    GeosalError
        See `geosal.compress`. A size that cannot be reached is no error here, but noted in the outcome.
    """
    encoder, course = encoder or GeosalEncoder(wish), replace(course, workers=1)
    with quiet():
        pictures = find_pictures(wish)
        masks = contents_of(wish.saliency)
        identity = {"study": "jpegs", "encoder": encoder.described, **wish.to_plain(), "files of saliency": masks}
        with (
            open_desk(wish.output, pictures, keep=wish.keep) as desk,
            open_log(desk.output, identity, resume=course.resume) as log,
        ):
            maps = [_map_task(wish, picture, desk) for picture in pictures]
            work_off(maps, log, course, "maps", "images", total=len(maps), strict=True)
            files = list(_file_tasks(wish, pictures, encoder, desk))
            work_off(files, log, course, "files", "sizes", total=len(files), strict=True)
            return Outcome(
                wish=wish,
                encoder=encoder.described,
                maps=tuple(MapFacts(**log.results[task.key]) for task in maps),
                trials=tuple(Trial.of_plain(trial) for task in files for trial in log.results[task.key]),
            )


def _map_task(wish: Experiment, picture: Picture, desk: Desk) -> Task:
    def do() -> dict[str, Any]:
        return asdict(make_map(wish, picture, desk.map_of(picture)))

    return Task(f"map {picture.state} {desk.name_of(picture)}", picture.path, do)


def _file_tasks(wish: Experiment, pictures: Sequence[Picture], encoder: Encoder, desk: Desk) -> Iterator[Task]:
    """Make a task for each image and quality: the plain JPEG, and those of its size."""

    def task(picture: Picture, quality: int) -> Task:
        def do() -> list[dict[str, Any]]:
            trials: list[Trial] = []
            for method in (JPEG, *wish.modes):
                plain = trials[0].reference_bytes if trials else 0
                trials.append(_trial(wish, picture, encoder, desk, (quality, method, plain)))
            return [asdict(trial) for trial in trials]

        return Task(f"files {picture.state} {desk.name_of(picture)} {quality}", picture.path, do)

    for picture in pictures:
        for quality in wish.qualities:
            yield task(picture, quality)


def _trial(wish: Experiment, picture: Picture, encoder: Encoder, desk: Desk, case: tuple[int, str, int]) -> Trial:
    """Make one file and judge it; `case` is the quality, the method, and the bytes of the plain JPEG if it is there."""
    quality, method, plain = case
    saliency = desk.map_of(picture)
    with desk.file_of(picture, f"q{quality}-{method}", ".jpg") as path:
        try:
            if method == JPEG:
                made = encoder.plain(picture, str(path), quality)
            else:
                made = encoder.shaped(picture, str(path), quality, method, map_source(saliency))
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
