"""BPGs by libbpg's own encoder, the program ``bpgenc`` (0.9.8), which codes a whole picture from a PNG."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from geosal.core.bpg.decoding import BpgPicture
from geosal.core.raster import RasterLayout
from geosal.core.treatment import SMOOTH, Treatment
from geosal.errors import OutputError, UsageError
from geosal.files.publish import cannot_write
from geosal.formats.bpg.options import BPGENC, ENCODER, PRESETS
from geosal.formats.bpg.sidecars import AsPng
from geosal.formats.format import Profile
from geosal.formats.gdal.convert import convert
from geosal.formats.spooled import put_beside

MOST_PIXELS = 2**26
"""Most pixels of a picture, which bpgenc holds whole: a guess for a laptop, as its memory was not measured."""
_TICK = 0.1
"""Seconds between two looks at the program, so that Ctrl-C and SIGTERM are answered."""
_HELP_SECONDS = 5.0
_TOLD = 200
"""Characters of its errors that are told."""
_TOLD_BYTES = 4096
_ASKED = f"--co {ENCODER.name}={BPGENC}"
_OURS = f"leave {ENCODER.name} out: geosal then encodes by x265 itself"


def refuse(profile: Profile, layout: RasterLayout, treatment: Treatment) -> None:
    """Refuse what bpgenc cannot do, before any pixel moves.

    Raises
    ------
    UsageError
        It is not on PATH; or the picture is too large for it, has validity that it would blur, or is to have several
        qualities.
    """
    rows, cols = layout.grid.shape
    if shutil.which(BPGENC) is None:
        raise UsageError(f"{_ASKED}: no program {BPGENC} is on PATH; install libbpg (bellard.org/bpg), or {_OURS}")
    if rows * cols > MOST_PIXELS:
        raise UsageError(
            f"{_ASKED}: {cols} x {rows} px, and it holds a picture of up to {MOST_PIXELS // 10**6} Mpx in memory; "
            f"cut the scene (gdal_translate -srcwin), or {_OURS}"
        )
    if layout.has_mask:
        raise UsageError(
            f"{_ASKED}: which pixels are valid would go through a mask, and it takes none; {_OURS}"
            + ("" if profile.codec.lossless else ", or use --profile bpg-lossless, which keeps the nodata code")
        )
    if layout.alpha is not None and not profile.codec.lossless:
        raise UsageError(
            f"{_ASKED}: it codes alpha with loss, and with it which pixels are valid; use --profile bpg-lossless, "
            f"leave alpha out with --bidx, or {_OURS}"
        )
    if treatment != SMOOTH:
        raise UsageError(f"{_ASKED} and treatment {treatment}: it codes a whole picture at one QP; use smooth")


def encode(stage: Path, output: Path, profile: Profile, layout: RasterLayout, threads: int | None) -> None:
    """Let bpgenc encode a finished stage, by a PNG beside the output, and check what it has made.

    Parameters
    ----------
    stage, output, profile, layout, threads
        See `geosal.formats.gdal.convert.convert`.

    Raises
    ------
    OutputError
        The program fails, or has not made that picture; or the disk is full.
    """
    picture = output.with_name(f"{output.name}.png")
    beside = picture.with_name(f"{picture.name}.aux.xml")
    try:
        convert(stage, picture, replace(profile, format=AsPng(), creation_options=()), layout, threads)
        _run(_command(picture, output, profile), output)
        _check(output, profile, layout)
        put_beside(output, profile, layout, beside.read_bytes())
    finally:
        for path in (picture, beside):
            path.unlink(missing_ok=True)


def version_found() -> str | None:
    """Return the version of the bpgenc on PATH, by its help; None where there is none."""
    program = shutil.which(BPGENC)
    if program is None:
        return None
    with suppress(OSError, subprocess.TimeoutExpired):
        told = subprocess.run(  # noqa: S603  the user's own program, by no shell
            [program, "-h"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_HELP_SECONDS
        ).stdout
        if (found := re.search(rb"version ([\d.]+)", told)) is not None:
            return found[1].decode()
    return "unknown"


def _command(picture: Path, output: Path, profile: Profile) -> list[str]:
    """Return the command; its levels of effort are numbers of x265's presets, and the quickest is none."""
    program = shutil.which(BPGENC)
    if program is None:
        raise OutputError(f"{output.name}: {BPGENC} is no longer on PATH; {_OURS}")
    options = profile.options
    quality = (
        ["-lossless"] if profile.codec.lossless else ["-q", options["QUALITY"], "-f", options["SUBSAMPLING"]]
    )  # fmt: skip
    level = max(1, PRESETS.index(options["PRESET"].lower()))
    return [program, *quality, "-m", str(level), "-o", str(output.absolute()), str(picture.absolute())]


def _run(command: Sequence[str], output: Path) -> None:
    with tempfile.TemporaryFile(dir=output.parent) as errors:
        try:
            process = subprocess.Popen(  # noqa: S603  the user has asked for it, and no shell reads the names
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, cwd=output.parent
            )
        except OSError as error:
            raise OutputError(f"{output.name}: {command[0]} cannot be run ({error.strerror}); {_OURS}") from error
        try:
            while process.poll() is None:
                try:
                    process.wait(_TICK)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode:
            raise OutputError(f"{output.name}: {_told(process.returncode, errors, output)}; {_OURS}")


def _told(status: int, errors: IO[bytes], output: Path) -> str:
    """Say in one line how the program has ended, and what it said last."""
    size = errors.seek(0, 2)
    errors.seek(max(0, size - _TOLD_BYTES))
    said = " ".join(errors.read().decode(errors="replace").split()).replace(f"{output.parent}/", "")[-_TOLD:]
    ended = f"was ended by signal {-status}" if status < 0 else f"fails with exit status {status}"
    return f"{BPGENC} {ended}" + (f" ({said})" if said else "")


def _check(output: Path, profile: Profile, layout: RasterLayout) -> None:
    """Refuse a file that is no BPG of that picture; its pixels are decoded when the job checks it."""
    try:
        with BpgPicture(str(output)) as made:
            head, lossless = made.head, made.lossless
    except (ValueError, FileNotFoundError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else error
        raise OutputError(f"{output.name}: {BPGENC} has written no BPG that geosal reads ({why}); {_OURS}") from error
    except OSError as error:
        raise cannot_write(output, error) from error
    bands, wanted = head.bands + head.alpha, layout.grid.shape
    if (head.shape, bands) != (wanted, layout.count) or (profile.codec.lossless and not lossless):
        told = (
            f"{BPGENC} has made {head.shape[1]} x {head.shape[0]} px of {bands} bands, "
            f"{'without' if lossless else 'with'} loss, not {wanted[1]} x {wanted[0]} px of {layout.count}"
            + (" without loss" if profile.codec.lossless else "")
        )
        raise OutputError(f"{output.name}: {told}; {_OURS}")
