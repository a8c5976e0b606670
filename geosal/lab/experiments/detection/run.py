"""Carry out a study of detection: smooth and encode as a sweep does, decode, and let a detector look."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from geosal.files.atomic import write_text
from geosal.lab.detection.detector import Detector, Found
from geosal.lab.detection.imperfect import Imperfection, as_coco
from geosal.lab.detection.looking import look
from geosal.lab.detection.onnx_detector import OnnxDetector
from geosal.lab.detection.precision import as_labelled
from geosal.lab.detection.truth import Marked, Truth
from geosal.lab.experiments.desk import Desk, file_name, open_desk
from geosal.lab.experiments.detection.outcome import Outcome, conditions_of
from geosal.lab.experiments.detection.wish import Detection
from geosal.lab.experiments.engine import USUALLY, Course, open_log, work_off
from geosal.lab.experiments.images import Picture, quiet
from geosal.lab.experiments.sweep.looks import Look, Smoothing, keys_of, looks_of
from geosal.lab.experiments.sweep.pictures import (
    PLAIN_SUFFIX,
    encoded,
    profile_of,
    smoothed,
    suffix_of,
)
from geosal.lab.experiments.sweep.run import checked_pictures, tasks_of
from geosal.scenes import AnyScene, Reading, open_input
from geosal.sources.files import digest

_BOXES = "boxes"
"""Folder of the boxes that masks are made of."""
_NOWHERE = "uniform:saliency=0"
"""The mask of an image without a box."""


def run_detection(
    wish: Detection, course: Course = USUALLY, detectors: Mapping[str, Detector] | None = None
) -> Outcome:
    """Carry out a study of detection.

    Parameters
    ----------
    wish
        What is detected.
    course
        How.
    detectors
        Detectors by collection; those that the wish names by default.

    Raises
    ------
    SceneError
        A folder holds no image, annotations or a detector cannot be read, or no image can.
    UsageError
        A setting is wrong, pycocotools or onnxruntime is missing; or the folder holds what `resume` cannot go on with.
    OutputError
        The output folder cannot be written.
    """
    with quiet():
        pictures, unread = checked_pictures(wish)
        truths = {name: _truth(wish, name, pictures) for name in {picture.collection: None for picture in pictures}}
        detectors = _load(wish, truths) if detectors is None else detectors
        for name, truth in truths.items():
            as_labelled(Found.nothing(), detectors[name].classes, truth, detectors[name].name)
        marks = {(name, image.path): image for name, truth in truths.items() for image in truth.images}
        known = [picture for picture in pictures if (picture.collection, picture.path) in marks]
        with (
            open_desk(wish.output, known, keep=wish.keep) as desk,
            open_log(desk.output, _identity(wish, detectors), resume=course.resume) as log,
        ):
            for skipped in unread:
                log.skip(*skipped)
            for picture in pictures:
                if picture not in known:
                    log.skip(picture.path, f"{picture.path}: the annotations do not tell of it")
            cases = [
                (picture, each)
                for picture in known
                for each in (*looks_of(wish), *_looks(wish, picture, marks[picture.collection, picture.path], desk))
            ]
            keys = keys_of(cases, desk.name_of)
            do = partial(_look_at, wish, desk, detectors, truths)
            work_off(tasks_of(cases, keys, desk, log, do), log, course, "files", "looks", total=len(cases))
            results = {
                (picture.collection, picture.path, each): log.results[key]
                for (picture, each), key in zip(cases, keys, strict=True) if key in log.results
            }  # fmt: skip
            return Outcome(
                wish=wish,
                truths=truths,
                conditions=conditions_of(wish, truths, detectors, results),
                skipped=tuple(log.skipped),
                resumed=log.resumed,
            )


def _truth(wish: Detection, collection: str, pictures: Sequence[Picture]) -> Truth:
    paths = [picture.path for picture in pictures if picture.collection == collection]
    return Truth.read(
        wish.of("annotations", collection), paths, classes=wish.of("classes", collection) or (), crowds=wish.crowds
    )


def _load(wish: Detection, truths: Mapping[str, Truth]) -> dict[str, Detector]:
    paths = {name: wish.of("detectors", name) for name in truths}
    loaded = {path: OnnxDetector.load(path) for path in dict.fromkeys(paths.values())}
    return {name: loaded[path] for name, path in paths.items()}


def _identity(wish: Detection, detectors: Mapping[str, Detector]) -> dict[str, Any]:
    """Return what a run that goes on must share: the wish, and the contents of what it names."""
    annotations = {path: digest(path) for path in dict.fromkeys(wish.annotations.values())}
    contents = {name: getattr(one, "digest", one.name) for name, one in detectors.items()}
    return {"study": "detection", **wish.to_plain(), "boxes drawn": annotations, "networks": contents}


def _looks(wish: Detection, picture: Picture, marked: Marked, desk: Desk) -> list[Look]:
    """Write the boxes of an image, true and spoiled, and return what smooths by them."""
    found = []
    for name, spoiled in wish.boxes.items():
        boxes = Imperfection.parse(spoiled).spoil(marked.boxes[~marked.ignored], marked.shape, marked.name)
        if not len(boxes):
            found.append(Look(name, None, (_NOWHERE,)))
            continue
        path = desk.output / _BOXES / f"{desk.name_of(picture)}-{file_name(name)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, as_coco(boxes, Path(picture.path).name, marked.shape))
        place = str(path).replace("{", "{{").replace("}", "}}")
        buffer = wish.of("buffer", picture.collection)
        found.append(Look(name, None, (f"{place}:saliency={wish.saliency:g},buffer={buffer}",)))
    return found


def _look_at(
    wish: Detection,
    desk: Desk,
    detectors: Mapping[str, Detector],
    truths: Mapping[str, Truth],
    picture: Picture,
    plain: AnyScene,
    each: Look,
) -> dict[str, Any]:
    """Smooth an image, encode it at every setting, and look at each file; returns plain data."""
    smoothing = Smoothing.of(wish, each, picture)
    on_the_way = desk.work_of(picture, each.name, PLAIN_SUFFIX)
    find = partial(_found, wish, detectors[picture.collection], truths[picture.collection])
    try:
        scene = plain if each.kernel == 1 else smoothed(plain, smoothing, on_the_way)
        exact = None
        files = []
        for setting in wish.settings:
            encoder = wish.encoders[setting.encoder]
            with desk.file_of(picture, f"{each.name}-{setting.name}", suffix_of(encoder)) as path:
                profile = profile_of(encoder, setting.value, str(path), scene.layout)
                size = encoded(scene, profile, path)
                if profile.lossless:
                    exact = find(scene) if exact is None else exact
                files.append({
                    "bytes": size, "found": exact if profile.lossless else find(open_input(str(path), Reading()))
                })  # fmt: skip
    finally:
        on_the_way.unlink(missing_ok=True)
    return {"effective_kernel": smoothing.levels().effective_kernel, "pixels": _pixels(plain), "files": files}


def _found(wish: Detection, detector: Detector, truth: Truth, scene: AnyScene) -> list[list[float]]:
    """Return left, top, right, bottom, score and label of what is found."""
    found = as_labelled(look(detector, scene, overlap=wish.overlap), detector.classes, truth, detector.name)
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True)
    return [[*(round(side, 3) for side in box), round(score, 6), label] for box, score, label in rows]


def _pixels(scene: AnyScene) -> int:
    return scene.grid.height * scene.grid.width
