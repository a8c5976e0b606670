"""Compress a raster layer with geosal, from QGIS's Processing toolbox or ``qgis_process``.

In QGIS: Processing Toolbox > Scripts > Add Script to Toolbox…, and choose this file. It runs the command ``geosal``,
which may live in an environment of its own: it is looked for on PATH, or say where it is (advanced parameters). Needs
QGIS 3.22 or later.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping

from qgis.core import (
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsSettings,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

USUAL = "as the output's suffix says"
PROFILES = (
    USUAL, "deflate", "zstd", "lzw", "lzma", "raw", "jpeg", "webp", "lerc", "jxl", "jp2-lossless", "jp2", "htj2k",
    "jpg", "png", "bpg", "bpg-lossless",
)  # fmt: skip
"""Values of ``--profile``; QGIS has no destination for a folder, as a Zarr store is. Models know them by number: add
new ones at the end."""
OUTSIDE = ("keep", "blur")
SETTING = "geosal/command"
"""Where QGIS keeps the path of the command."""
_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_DATA", "PROJ_LIB", "LD_LIBRARY_PATH")
"""Variables by which QGIS finds its own libraries; geosal brings others."""
_DONE = re.compile(r"geosal: debug: \S+ (?:(\d+)/(\d+) )?[^:]+: (\d+) of (\d+) ")
_SAID = re.compile(r"geosal: (error|warning|info|debug): (?:\d\d:\d\d:\d\d\.\d+ )?(.*)")
_PATIENCE = 15
"""Seconds that a cancelled job has to clean up."""


def arguments(wish: Mapping[str, object], summary: str) -> list[str]:
    """Turn values of parameters into the words of a command line, without the command itself.

    Parameters
    ----------
    wish
        ``input``, ``output``; and where they are wanted ``saliency`` (a list of SOURCE texts), ``outside``,
        ``profile``, ``treatment`` (several, apart by spaces), ``target_size``, ``steps``; ``more``: words for a shell.
    summary
        Path of the JSON document that tells of the job.

    Raises
    ------
    QgsProcessingException
        `more` is no words for a shell, or would end the options.
    """
    words = ["compress", "--overwrite", "-vv", f"--json={summary}"]
    words += [f"--saliency={source}" for source in wish.get("saliency") or ()]
    words += [f"--treatment={treatment}" for treatment in str(wish.get("treatment") or "").split()]
    if wish.get("profile") not in {None, "", USUAL}:
        words.append(f"--profile={wish['profile']}")
    for name in ("outside", "steps", "target_size"):
        if wish.get(name) not in {None, ""}:
            words.append(f"--{name.replace('_', '-')}={wish[name]}")
    more = split("More options", str(wish.get("more") or ""))
    if "--" in more:
        raise QgsProcessingException("More options: '--' ends the options; leave it out")
    return [*words, *more, "--", str(wish["input"]), str(wish["output"])]


def split(label: str, text: str) -> list[str]:
    """Split the text of a parameter into words, as a shell does.

    Raises
    ------
    QgsProcessingException
        A quote is not closed, or the text ends in a backslash.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise QgsProcessingException(
            f"{label}: {text}: no words for a shell ({error}); close each quote, as in 'a b.tif'"
        ) from error


def source_text(path: str, parameters: str) -> str:
    """Return the SOURCE of a file: its path, and parameters after a colon."""
    told = parameters.strip().lstrip(":")
    return f"{path}:{told}" if told else path


def percent_of(line: str) -> float | None:
    """Return how far a job is, as a line of its log tells; None where it tells nothing of that."""
    found = _DONE.match(line)
    if found is None:
        return None
    part, parts, done, total = (int(number or 1) for number in found.groups())
    return 100 * (part - 1 + min(1, done / max(1, total))) / parts


def find_command(setting: str) -> str:
    """Return the path of the command ``geosal``.

    Raises
    ------
    FileNotFoundError
        It is not where it was said to be, or not on PATH.
    """
    wanted = os.path.expanduser(setting.strip()) or "geosal"
    found = shutil.which(wanted)
    if found is None:
        raise FileNotFoundError(
            f"{wanted}: no such command; install geosal into an environment (python3 -m venv ENV; ENV/bin/pip install "
            "geosal), and give the path ENV/bin/geosal as 'Command' among the advanced parameters"
        )
    return found


def own_environment(outside: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what leads to QGIS's libraries."""
    return {name: value for name, value in outside.items() if name not in _FOREIGN}


class Job:
    """A running command, whose lines are read while it may be stopped."""

    def __init__(self, words: list[str]) -> None:
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=own_environment(os.environ),
            encoding="utf-8",
            errors="replace",
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with self._process.stdout as written:
            for line in written:
                self._lines.put(line.rstrip())
        self._lines.put(None)

    def lines(self) -> Iterator[str]:
        """Yield what it writes, and "" five times a second while it is silent, so that a caller may stop it."""
        while True:
            try:
                line = self._lines.get(timeout=0.2)
            except queue.Empty:
                line = ""
            if line is None:
                return
            yield line

    def stop(self) -> None:
        """End it: geosal deletes what it has begun, and leaves an old file as it was."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def code(self) -> int:
        """Wait for its exit code."""
        return self._process.wait()


class GeosalCompress(QgsProcessingAlgorithm):
    """The algorithm ``script:geosalcompress``."""

    def name(self) -> str:
        return "geosalcompress"

    def displayName(self) -> str:
        return "Compress by saliency (geosal)"

    def group(self) -> str:
        return "Compression"

    def groupId(self) -> str:
        return "compression"

    def tags(self) -> list[str]:
        return ["geosal", "compress", "cog", "jpeg2000", "saliency"]

    def createInstance(self) -> GeosalCompress:
        return GeosalCompress()

    def shortHelpString(self) -> str:
        return (
            "Makes a raster smaller without touching what matters in it: what you mark stays as it is, everything else "
            "is blurred or coded at a lower quality. The output is a COG, JPEG 2000, JPEG or PNG, by its suffix.\n\n"
            "Saliency: a raster (0 matters least, 1 or 255 is kept), or a vector layer, whose inside is kept. Its "
            "parameters follow as in geosal: 'attribute=weight,buffer=120m' or 'range=0-100'. Further sources have "
            "names: 'detail', 'clouds:dilate=60m', 'perlin:seed=7'.\n\n"
            "Treatment: empty for the usual one, or 'smooth', 'bound:error=32', 'quality:low=40,high=90'. Target size: "
            "'5MB', or '50%' of the input."
        )

    def initAlgorithm(self, configuration: object = None) -> None:
        layers = [QgsProcessing.TypeRaster, QgsProcessing.TypeVectorAnyGeometry]
        self.addParameter(QgsProcessingParameterRasterLayer("INPUT", "Raster layer"))
        self.addParameter(
            QgsProcessingParameterMapLayer("SALIENCY", "Saliency: raster or vector layer", optional=True, types=layers)
        )
        self._add_text("SALIENCY_PARAMETERS", "Parameters of that layer (attribute=NAME,buffer=120m)")
        self._add_text("SOURCES", "Further sources of saliency, apart by spaces (detail clouds)")
        self.addParameter(QgsProcessingParameterEnum("OUTSIDE", "What no raster covers", OUTSIDE, defaultValue=0))
        self.addParameter(QgsProcessingParameterEnum("PROFILE", "Codec", PROFILES, defaultValue=0))
        self._add_text("TREATMENT", "Treatment (empty: the usual one)")
        self._add_text("TARGET_SIZE", "Target size (5MB, 50%)")
        self.addParameter(
            _advanced(
                QgsProcessingParameterNumber("STEPS", "Steps of the ladder", defaultValue=8, minValue=1, maxValue=32)
            )
        )
        self.addParameter(_advanced(_text("MORE", "More options, as on the command line")))
        self.addParameter(_advanced(_text("COMMAND", "Command (empty: geosal on PATH)", _remembered())))
        self.addParameter(QgsProcessingParameterRasterDestination("OUTPUT", "Compressed"))
        self.addOutput(QgsProcessingOutputNumber("BYTES", "Bytes of the output"))
        self.addOutput(QgsProcessingOutputNumber("SMALLER_PERCENT", "Percent by which it is smaller than the input"))
        self.addOutput(QgsProcessingOutputString("SENTENCE", "What was done"))

    def _add_text(self, name: str, label: str) -> None:
        self.addParameter(_text(name, label))

    def processAlgorithm(
        self, parameters: dict, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, object]:
        try:
            command = find_command(self._text(parameters, "COMMAND", context))
        except FileNotFoundError as error:
            raise QgsProcessingException(str(error)) from error
        QgsSettings().setValue(SETTING, self._text(parameters, "COMMAND", context))
        with tempfile.TemporaryDirectory(prefix="geosal-") as folder:
            summary = os.path.join(folder, "summary.json")
            words = [command, *arguments(self._wish(parameters, context, folder), summary)]
            feedback.pushCommandInfo(shlex.join(words))
            _carry_out(words, feedback)
            if feedback.isCanceled():
                return {}
            with open(summary, encoding="utf-8") as file:
                told = json.load(file)
        return {
            "OUTPUT": told["output"],
            "BYTES": told["bytes"],
            "SMALLER_PERCENT": told["smaller_percent"],
            "SENTENCE": told["sentence"],
        }

    def _wish(self, parameters: dict, context: QgsProcessingContext, folder: str) -> dict[str, object]:
        scene = self.parameterAsRasterLayer(parameters, "INPUT", context)
        layer = self.parameterAsLayer(parameters, "SALIENCY", context)
        sources = split("Further sources", self._text(parameters, "SOURCES", context))
        if layer is not None:
            path = _file_of(layer, folder, context)
            sources.insert(0, source_text(path, self._text(parameters, "SALIENCY_PARAMETERS", context)))
        if not sources:
            raise QgsProcessingException(
                "no saliency: choose a layer that says where to look, or a source such as detail"
            )
        return {
            "input": _raster_of(scene),
            "output": self.parameterAsOutputLayer(parameters, "OUTPUT", context),
            "saliency": sources,
            "outside": OUTSIDE[self.parameterAsEnum(parameters, "OUTSIDE", context)],
            "profile": PROFILES[self.parameterAsEnum(parameters, "PROFILE", context)],
            "treatment": self._text(parameters, "TREATMENT", context),
            "target_size": self._text(parameters, "TARGET_SIZE", context),
            "steps": self.parameterAsInt(parameters, "STEPS", context),
            "more": self._text(parameters, "MORE", context),
        }

    def _text(self, parameters: dict, name: str, context: QgsProcessingContext) -> str:
        return str(self.parameterAsString(parameters, name, context) or "")


def _text(name: str, label: str, value: str = "") -> QgsProcessingParameterString:
    return QgsProcessingParameterString(name, label, defaultValue=value, optional=True)


def _remembered() -> str:
    return str(QgsSettings().value(SETTING, "") or "")


def _advanced(parameter: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
    return parameter


def _carry_out(words: list[str], feedback: QgsProcessingFeedback) -> None:
    """Run a command; its last error is the error of the algorithm."""
    job, failure, show = Job(words), "", feedback.pushConsoleInfo
    for line in job.lines():
        if feedback.isCanceled():
            job.stop()
            return
        percent, said = percent_of(line), _SAID.match(line)
        if percent is not None:
            feedback.setProgress(percent)
        elif said is None:
            if line.startswith("Traceback"):
                show = feedback.pushDebugInfo  # for those who look for it
            if line:
                show(line)
        elif said[1] == "error":
            failure = said[2]
        elif said[1] == "warning":
            feedback.pushWarning(said[2])
        else:
            (feedback.pushInfo if said[1] == "info" else feedback.pushDebugInfo)(said[2])
    if code := job.code():
        raise QgsProcessingException(failure or f"geosal ended with exit code {code}; its output says why")


def _raster_of(layer: QgsMapLayer) -> str:
    """Return the file or the URL of a raster layer."""
    if layer.dataProvider().name() != "gdal":
        raise QgsProcessingException(
            f"{layer.name()}: is no file ({layer.dataProvider().name()}); export it first (Layer > Save As)"
        )
    return str(layer.source())


def _file_of(layer: QgsMapLayer, folder: str, context: QgsProcessingContext) -> str:
    """Return the file of a layer; a vector layer that is none, or differs from it, is written out with its CRS."""
    if not isinstance(layer, QgsVectorLayer):
        return _raster_of(layer)
    path = layer.source().partition("|")[0]
    of_file = QgsVectorLayer(path, "", "ogr") if os.path.isfile(path) else None
    is_file = of_file is not None and of_file.isValid() and "|" not in layer.source()
    is_as_it_was = not (layer.subsetString() or layer.isEditable() or layer.vectorJoins())
    if is_file and is_as_it_was and of_file.crs() == layer.crs():
        return path
    path = os.path.join(folder, "saliency.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "saliency"
    written = QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, context.transformContext(), options)
    if written[0] != QgsVectorFileWriter.NoError:
        raise QgsProcessingException(f"{layer.name()}: cannot be written out: {written[1]}")
    return path
