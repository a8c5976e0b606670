"""Carry out a sweep: for each image and look one task, which smooths once and encodes at every setting."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from geosal.comparison import Pair, sum_up
from geosal.errors import GeosalError, SceneError
from geosal.lab.experiments.desk import Desk, open_desk
from geosal.lab.experiments.engine import USUALLY, Course, Log, Skipped, Task, open_log, work_off
from geosal.lab.experiments.images import Picture, find_pictures, quiet
from geosal.lab.experiments.sweep.looks import Levels, Look, Smoothing, check_masks, keys_of, looks_of
from geosal.lab.experiments.sweep.outcome import Outcome, Seen
from geosal.lab.experiments.sweep.pictures import (
    PLAIN_SUFFIX,
    Part,
    check_encoder,
    encoded,
    make_plain,
    plain_layout,
    profile_of,
    smoothed,
    suffix_of,
)
from geosal.lab.experiments.sweep.wish import Setting, Sweep
from geosal.metrics import Scores
from geosal.scenes import AnyScene, Reading, open_input

_RANGE = 255.0
_WHOLE = "whole"


def run_sweep(wish: Sweep, course: Course = USUALLY) -> Outcome:
    """Carry out a sweep.

    Parameters
    ----------
    wish
        What is swept.
    course
        How.

    Raises
    ------
    SceneError
        A folder holds no image, or no image at all can be read.
    UsageError
        A SOURCE or a setting is wrong, an encoder is missing; or the folder holds what `resume` cannot go on with.
    SaliencyError
        A mask is of annotations, and no image has any.
    OutputError
        The output folder cannot be written.
    """
    with quiet():
        pictures, unread = checked_pictures(wish)
        with (
            open_desk(wish.output, pictures, keep=wish.keep) as desk,
            open_log(desk.output, {"study": "sweep", **wish.to_plain()}, resume=course.resume) as log,
        ):
            for skipped in unread:
                log.skip(*skipped)
            cases = [(picture, look) for picture in pictures for look in looks_of(wish)]
            keys = keys_of(cases, desk.name_of)
            tasks = tasks_of(cases, keys, desk, log, partial(_look_at, wish, desk))
            work_off(tasks, log, course, "files", "looks", total=len(cases))
            seen = [
                Seen(picture.collection, picture.name, picture.scene.grid.width, picture.scene.grid.height, look,
                     log.results[key])
                for (picture, look), key in zip(cases, keys, strict=True) if key in log.results
            ]  # fmt: skip
            return Outcome(wish=wish, seen=tuple(seen), skipped=tuple(log.skipped), resumed=log.resumed)


def checked_pictures(wish: Sweep) -> tuple[tuple[Picture, ...], list[Skipped]]:
    """Find the images of a sweep, and check its masks and its encoders by the first, before any work.

    Returns
    -------
    pictures
        Those that can be read; one at least.
    unread
        Those that cannot, and why.

    Raises
    ------
    SceneError
        A folder holds no image, or no image at all can be read.
    UsageError
        A SOURCE or a setting is wrong, or an encoder is missing.
    SaliencyError
        A mask is of annotations, and no image has any.
    """
    unread: list[Skipped] = []
    pictures = find_pictures(wish, lambda path, error: unread.append(Skipped(path, str(error))))
    if not pictures:
        raise SceneError(f"{unread[0].error} (and no other image can be read)")
    check_masks(wish, pictures)
    layout = plain_layout(*pictures[0].scene.grid.shape, pictures[0].bands)
    for setting in wish.settings:
        check_encoder(wish.encoders[setting.encoder], setting.value, layout)
    return pictures, unread


def tasks_of(
    cases: Sequence[tuple[Picture, Look]],
    keys: Sequence[str],
    desk: Desk,
    log: Log,
    look_at: Callable[[Picture, AnyScene, Look], dict[str, Any]],
) -> Iterator[Task]:
    """Make the tasks one after the other; the plain copy of an image lives as long as tasks need it.

    Parameters
    ----------
    cases, keys
        Images and what is done to them, and the key of each task.
    desk, log
        Where files lie, and what is done already.
    look_at
        Does one: the image, its plain copy, and what is done to it.
    """
    waiting = [key for key in keys if key not in log.results]
    copies: dict[tuple[str, str], _Copy] = {}
    for (picture, look), key in zip(cases, keys, strict=True):
        name = picture.collection, picture.path
        if name not in copies:
            users = sum(each in waiting for (other, _), each in zip(cases, keys, strict=True) if other is picture)
            copies[name] = _Copy(picture, desk.work_of(picture, "plain", PLAIN_SUFFIX), users)
        yield Task(key, picture.path, partial(_done, copies[name], look, look_at))


def _done(copy: "_Copy", look: Look, look_at: Callable[[Picture, AnyScene, Look], dict[str, Any]]) -> dict[str, Any]:
    with copy.lent() as plain:
        return look_at(copy.picture, plain, look)


@dataclass
class _Copy:
    """The plain copy of an image, made for the first task that needs it, and deleted after the last."""

    picture: Picture
    path: Path
    users: int
    lock: Lock = field(default_factory=Lock)
    scene: AnyScene | None = None
    error: GeosalError | None = None

    @contextmanager
    def lent(self) -> Iterator[AnyScene]:
        """Lend the copy to a task.

        Raises
        ------
        GeosalError
            The image cannot be decoded; each task is told the same.
        """
        try:
            with self.lock:
                if self.error is not None:
                    raise self.error
                if self.scene is None:
                    try:
                        self.scene = make_plain(self.picture, self.path)
                    except GeosalError as error:
                        self.error = error
                        raise
            yield self.scene
        finally:
            with self.lock:
                self.users -= 1
                if not self.users:
                    self.path.unlink(missing_ok=True)


def _look_at(wish: Sweep, desk: Desk, picture: Picture, plain: AnyScene, look: Look) -> dict[str, Any]:
    """Smooth an image, encode it at every setting, and measure each file; returns plain data."""
    smoothing = Smoothing.of(wish, look, picture)
    levels = smoothing.levels()
    on_the_way = desk.work_of(picture, look.name, PLAIN_SUFFIX)
    try:
        scene = plain if look.kernel == 1 else smoothed(plain, smoothing, on_the_way)
        bench = _Bench(wish, picture, plain, look, smoothing, levels, desk)
        exact = bench.judged(scene)
        files = [bench.file(scene, setting, exact) for setting in wish.settings]
        parts = bench.rates(scene) if look.kernel is None and wish.levels else {}
    finally:
        on_the_way.unlink(missing_ok=True)
    return {
        "effective_kernel": levels.effective_kernel,
        "files": files,
        "levels": [
            {
                "level": level, "saliency": levels.saliency(level), "kernel": levels.widths[level],
                "pixels": pixels, "bytes": parts.get(level),
            }
            for level, pixels in enumerate(levels.pixels) if pixels
        ],
    }  # fmt: skip


@dataclass(frozen=True)
class _Bench:
    """One image with one look, and what its files are measured against."""

    wish: Sweep
    picture: Picture
    plain: AnyScene
    look: Look
    smoothing: Smoothing
    levels: Levels
    desk: Desk

    def file(self, scene: AnyScene, setting: Setting, exact: Mapping[str, Any]) -> dict[str, Any]:
        """Encode at one setting, and measure; `exact` are the figures of a file that loses nothing."""
        encoder = self.wish.encoders[setting.encoder]
        what = f"{self.look.name}-{setting.name}"
        with self.desk.file_of(self.picture, what, suffix_of(encoder)) as path:
            profile = profile_of(encoder, setting.value, str(path), scene.layout)
            size = encoded(scene, profile, path)
            found = exact if profile.lossless else self.judged(open_input(str(path), Reading()))
        return {"bytes": size, **found}

    def judged(self, candidate: AnyScene) -> dict[str, Any]:
        """Compare a file with the unsmoothed picture, as a whole and, of a mask, by levels."""
        saliency = self.smoothing.saliency if self.look.kernel is None else None
        pair = Pair.of(self.plain, candidate, saliency, self.smoothing.ladder)
        scores = sum_up(pair, _RANGE, workers=1).scores(_RANGE)
        present = [level for level, pixels in enumerate(self.levels.pixels) if pixels]
        by_level = [] if saliency is None else [_figures(scores[f"level {level}"]) for level in present]
        return {**_figures(scores[_WHOLE]), "levels": by_level}

    def rates(self, scene: AnyScene) -> dict[int, list[int]]:
        """Return the bytes of each level cut out, unsmoothed and smoothed, in the encoder of the original."""
        encoder = self.wish.encoders[self.wish.original]
        value = encoder.values[0] if encoder.values else None
        path = self.desk.work_of(self.picture, f"{self.look.name}-part", suffix_of(encoder))
        profile = profile_of(encoder, value, str(path), scene.layout)
        found = {}
        for level, pixels in enumerate(self.levels.pixels):
            if pixels:
                part = Part(self.smoothing, level)
                found[level] = [encoded(each, profile, path, part) for each in (self.plain, scene)]
        path.unlink(missing_ok=True)
        return found


def _figures(scores: Scores) -> dict[str, float]:
    return {"mse": scores.mse, "psnr": scores.psnr, "ssim": scores.ssim}
