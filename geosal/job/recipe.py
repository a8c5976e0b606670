"""The recipe: every option of a job in one frozen object, from the command line, YAML or Python."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypedDict

from geosal.core.cluster.scheduler import check_wish, is_client
from geosal.core.gdal_env import path_text
from geosal.core.ladder import USUAL_SIGMA, Ladder
from geosal.core.machine import memory_bytes
from geosal.core.option_values import (
    parse_share,
    parse_size,
    read_items,
    read_number,
    read_text,
    read_texts,
    refuse_unknown,
    require,
)
from geosal.core.treatment import SMOOTH, Treatment
from geosal.errors import UsageError
from geosal.formats.options import read_options
from geosal.job.merge import over
from geosal.job.recall import as_wished
from geosal.job.recipe_file import read_recipe
from geosal.job.targets import Targets, parse_ratio
from geosal.scenes import MAX_PIXELS, RESAMPLING, Reading, band_names
from geosal.scenes.rules import ByteRule
from geosal.sources import combine as combining
from geosal.sources.text import SourceText, source_texts
from geosal.stac.when import When

COMBINE = tuple(combining.COMBINATIONS)
OUTSIDE = tuple(combining.OUTSIDE)
_WHERE_EMPTY = {"input": "name the scene", "output": "name the file to write"}
_MOST_WORKERS = 1024
"""Limit of `workers`, above the number of threads of any machine that is of use to a job."""


Text = str | os.PathLike[str]
"""A text, or a path object."""


class JobOptions(TypedDict, total=False):
    """Fields of `Recipe` but for input, output and saliency, and ``like``, as callers of Python give them."""

    combine: str | None
    outside: str
    background: float
    steps: int
    sigma: str
    treatment: str | Sequence[str] | None
    as_usual: str | Sequence[str]
    profile: str | None
    creation_options: Mapping[str, object] | Sequence[tuple[str, object]]
    bidx: int | Sequence[int]
    bands: str | Sequence[str]
    resolution: float | None
    resampling: str
    to_byte: str | None
    select: str | Sequence[str]
    stack: Text | Sequence[Text]
    scheduler: Any
    insecure_cluster: bool
    workers: int | None
    block: int | None
    max_memory: int | str | None
    max_pixels: int
    target_bpp: float | None
    target_size: int | str | None
    target_ratio: float | str | None
    target_jpeg: float | None
    min_psnr: float | str | Sequence[float | str]
    min_ssim: float | str | Sequence[float | str]
    not_larger: bool
    stac: bool
    datetime: str | None
    seal: bool
    overwrite: bool
    drivers: str | Sequence[str]
    like: Text


class CompressOptions(JobOptions, total=False):
    """Fields of `Recipe` but for input and output."""

    saliency: Text | Sequence[Text]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the user asks for; `geosal.job.plan.make_plan` decides what it means for the files at hand.

    Attributes
    ----------
    input
        The input: a raster (a path, a URL or a GDAL ``/vsi`` path), a Zarr store (or a group or an array in it), or a
        Sentinel-2 or Landsat product (its folder, ``.zip`` or ``.tar``), or a STAC Item (``.json``).
    output
        File to write; the suffix picks the writer, ``.tif`` (COG), ``.jp2`` (JPEG2000), ``.zarr`` (a
        Zarr store), ``.jpg`` (JPEG), ``.png`` (PNG) or ``.bpg`` (BPG).
    saliency
        Texts that say where to look, ``name-or-path[:key=value,...]``; see `geosal.sources`.
    combine
        How several sources are combined: max, min, mean, product or weighted (a mean in which a SOURCE has its
        ``weight=``); by default sources of interest by max, exclusions by min.
    outside
        Fate of pixels that no source covers: "keep" (saliency 1) or "blur" (saliency 0).
    background
        Saliency where vectors and classes name nothing, 0 to 1.
    steps, sigma
        The ladder, see `geosal.Ladder`.
    treatment
        The treatment: ``smooth``, ``bound:error=32``, ``quality:low=40,high=90``, ``twopass:low=30,high=70``, or
        several of them; see `geosal.core.treatment`. None for the usual one: ``quality`` for lossy codecs, ``smooth``
        for lossless ones, with the ``bound`` that samples of more than 8 bits can spare; see `geosal.job.usual`.
    as_usual
        The usual treatment of this job, where `treatment` is None: what ``like`` found done where nobody named one.
    profile
        Codec, see `geosal.formats`; by default lossless (deflate, jp2-lossless), for ``.jpg`` jpg.
    creation_options
        GDAL creation options over those of the profile.
    bidx
        Bands to take, from 1; all when empty.
    bands
        Bands by name, role or group instead, such as "rgb", "B04" or "nir".
    resolution, resampling
        Grid of a product and how bands are brought to it, see `geosal.scenes.Reading`.
    to_byte
        Rule by which samples become 8 bits: "percentile:2-98", "range:0-0.3", "tci", "gamma:2.2".
    select
        Steps of a Zarr store's further dimensions: "time=2024-05-01", "time=#0", "time=~2024-05-01" (the nearest).
    stack
        Files whose bands follow those of the input, on its grid: the bands of one scene in files of their own.
    scheduler
        "threads", "processes", the address of a dask scheduler (``tcp://host:8786``, ``tls://host:8786``), the path of
        a scheduler file (``scheduler.json``) or, from Python alone, a running `distributed.Client`, which stays open;
        by default the address in ``DASK_SCHEDULER_ADDRESS`` or in dask's configuration, or else threads.
    insecure_cluster
        Use a scheduler or workers beyond this machine by plain ``tcp://``, which has no password: who reaches their
        network may run code as you. ``GEOSAL_INSECURE_CLUSTER=yes`` in the environment says the same.
    workers
        Blocks worked on at once, at most 1024; by default one per core, or per thread of the cluster.
    block
        Rows and columns of a block, a multiple of 16; by default 2048, less where memory is short.
    max_memory
        Bytes the whole job may take, or ``"50%"`` of this machine's; the block is made smaller to fit, and the job
        refused when it cannot.
    max_pixels
        Width times height beyond which a scene is refused.
    target_bpp, target_size, target_ratio
        Size to reach within 1 %: bits per pixel, bytes at most (``"50MB"``, or ``"50%"`` of the input's), or raw
        bytes over bytes of the file. Only one of these; see `geosal.job.targets`.
    target_jpeg
        Size to reach within 1 %, as the quality of a plain JPEG of that size. Only for ``.jpg``.
    min_psnr, min_ssim
        Quality to keep at least, each as ``"40"`` or, of a part of the scene, ``"salient:45"``, ``"background:30"``.
    not_larger
        Fail, and leave no output, where that would take more bytes than the input.
    stac
        Write a STAC item beside the output, ``smaller.tif.stac.json``; see `geosal.stac`.
    datetime
        When the scene was taken, for that item, where its metadata do not tell or are wrong: a moment
        (``2024-05-01T10:40:21Z``; without a zone it is UTC), a day, or two of them, ``START/END``.
    seal
        Seal the output: its pixels of saliency 1 can then be checked without the input. See `geosal.seals`.
    overwrite
        Replace an output that exists, once the new one is complete.
    drivers
        GDAL drivers to trust beyond the usual ones, such as ``("VRT",)``.
    """

    input: str
    output: str
    saliency: tuple[str, ...] = ()
    combine: str | None = None
    outside: str = "keep"
    background: float = 0.0
    steps: int = 8
    sigma: str = USUAL_SIGMA
    treatment: tuple[str, ...] | None = None
    as_usual: tuple[str, ...] = ()
    profile: str | None = None
    creation_options: tuple[tuple[str, str], ...] = ()
    bidx: tuple[int, ...] = ()
    bands: tuple[str, ...] = ()
    resolution: float | None = None
    resampling: str = "nearest"
    to_byte: str | None = None
    select: tuple[str, ...] = ()
    stack: tuple[str, ...] = ()
    scheduler: Any = None
    insecure_cluster: bool = False
    workers: int | None = None
    block: int | None = None
    max_memory: int | None = None
    max_pixels: int = MAX_PIXELS
    target_bpp: float | None = None
    target_size: int | str | None = None
    target_ratio: float | None = None
    target_jpeg: float | None = None
    min_psnr: tuple[str, ...] = ()
    min_ssim: tuple[str, ...] = ()
    not_larger: bool = False
    stac: bool = False
    datetime: str | None = None
    seal: bool = False
    overwrite: bool = False
    drivers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("input", "output", "outside", "sigma", "resampling"):
            require(isinstance(getattr(self, name), str), name, getattr(self, name), "text")
            if not getattr(self, name):
                raise UsageError(f"{name}: is empty; {_WHERE_EMPTY.get(name, f'leave {name} out for the usual one')}")
        several = ("saliency", "as_usual", "bidx", "bands", "select", "stack", "drivers", "creation_options")
        for name in (*several, "min_psnr", "min_ssim"):
            value = getattr(self, name)
            require(isinstance(value, tuple), name, value, "a tuple; Recipe.from_mapping takes lists and single values")
        for name in ("input", "output", "saliency", "stack"):
            value = getattr(self, name)
            for path in (value,) if isinstance(value, str) else value:
                path_text(name, path)
        ok = self.treatment is None or isinstance(self.treatment, tuple)
        require(ok, "treatment", self.treatment, "a tuple; Recipe.from_mapping takes lists and single values")
        ok = self.profile is None or (isinstance(self.profile, str) and self.profile != "")
        require(ok, "profile", self.profile, "a name; leave it out for the usual one")
        if not self.saliency:
            raise UsageError("no saliency source: say where to look, such as --saliency perlin or --saliency mask.tif")
        require(self.combine in (None, *COMBINE), "combine", self.combine, f"one of {', '.join(COMBINE)}")
        require(self.outside in OUTSIDE, "outside", self.outside, f"one of {', '.join(OUTSIDE)}")
        require(self.resampling in RESAMPLING, "resampling", self.resampling, f"one of {', '.join(RESAMPLING)}")
        require(0 <= self.background <= 1, "background", self.background, "a number from 0 to 1")
        ok = self.resolution is None or 0 < self.resolution < math.inf
        require(ok, "resolution", self.resolution, "a number above 0")
        if self.to_byte is not None:
            ByteRule.parse(self.to_byte)
        for name in ("workers", "block", "max_memory", "max_pixels"):
            value = getattr(self, name)
            ok = value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0)
            require(ok, name, value, "a whole number above 0")
        ok = self.workers is None or self.workers <= _MOST_WORKERS
        require(ok, "workers", self.workers, f"at most {_MOST_WORKERS}; leave it out for one per core")
        ok = self.block is None or (self.block % 16 == 0 and 64 <= self.block <= 2**15)
        require(ok, "block", self.block, "a multiple of 16 from 64 to 32768")
        check_wish(self.scheduler)
        for name in ("overwrite", "not_larger", "stac", "seal", "insecure_cluster"):
            require(isinstance(getattr(self, name), bool), name, getattr(self, name), "true or false")
        _refuse_time(self.datetime, stac=self.stac)
        _ = self.ladder, self.treated, self.targets

    # Texts are parsed once; their values are kept beside them.

    @cached_property
    def ladder(self) -> Ladder:
        """The ladder of `steps` and `sigma`."""
        return Ladder(self.steps, self.sigma)

    @cached_property
    def treated(self) -> Treatment:
        """What saliency does; `SMOOTH` by default, until the plan knows what is written."""
        return SMOOTH if self.treatment is None else Treatment.parse(self.treatment)

    @cached_property
    def sources(self) -> tuple[SourceText, ...]:
        """The sources of saliency, parsed on first use: whether a part of a text is a path depends on the disk.

        Raises
        ------
        UsageError
            A SOURCE text is wrong.
        """
        return tuple(SourceText.parse(text) for text in self.saliency)

    @cached_property
    def targets(self) -> Targets:
        """Targets for the result: bytes, quality or none."""
        return Targets.of(
            bpp=self.target_bpp,
            size=self.target_size,
            ratio=self.target_ratio,
            jpeg=self.target_jpeg,
            min_psnr=self.min_psnr,
            min_ssim=self.min_ssim,
        )

    @property
    def reading(self) -> Reading:
        """The part of the input that is read."""
        return Reading(**{field.name: getattr(self, field.name) for field in fields(Reading)})

    @classmethod
    def from_mapping(cls, wish: Mapping[str, Any]) -> Self:
        """Check and convert plain data, such as parsed YAML or keyword arguments.

        A tuple may be given as a list or a single value, `creation_options` as a mapping, and a size as a text such as
        ``"512MB"``.

        Raises
        ------
        UsageError
            A key is unknown (the message has the nearest known one) or missing, or a value is wrong.
        """
        wish = as_wished(wish)
        if "report" in wish:
            raise UsageError("report: is no part of a recipe; say --report FILE.html, or in Python geosal.report(...)")
        refuse_unknown(wish, [field.name for field in fields(cls)], "no such option")
        convert: Mapping[str, Callable[[str, Any], Any]] = _CONVERT
        values = {key: convert.get(key, _as_is)(key, value) for key, value in wish.items() if value is not None}
        for key in ("input", "output"):
            if key not in values:
                raise UsageError(f"no {key} given: name the {key} file on the command line or in the recipe")
        return cls(**values)

    @classmethod
    def from_yaml(cls, path: str | Path, **overrides: Any) -> Self:
        """Read a recipe as `read_recipe` does; `overrides` go before what it says.

        Raises
        ------
        SceneError
            The file cannot be read.
        UsageError
            The file is no YAML mapping, or `from_mapping` refuses what it says.
        """
        return cls.from_mapping(over(overrides, read_recipe(path)))

    def patch(self, **changes: Any) -> Self:
        """Make a copy with some fields changed."""
        return replace(self, **changes)


def _refuse_time(datetime: str | None, *, stac: bool) -> None:
    """Refuse a time that is none, or that no item would tell."""
    if datetime is None:
        return
    When.parse(datetime)
    if not stac:
        raise UsageError("datetime: is for the STAC item alone; say stac as well, or leave it out")


def _as_is(_: str, value: Any) -> Any:
    return value


def _scheduler(name: str, value: Any) -> Any:
    """Return a client as it is, and anything else as text."""
    return value if is_client(value) else read_text(name, value)


def _numbers(name: str, value: Any) -> tuple[int, ...]:
    numbers = (value,) if isinstance(value, int) else read_items(name, value)
    require(all(isinstance(v, int) and not isinstance(v, bool) for v in numbers), name, value, "band numbers")
    return numbers


def _names(name: str, value: Any) -> tuple[str, ...]:
    """Return names in a list, or in one text with commas between them."""
    return band_names(read_texts(name, value))


def _sources(_: str, value: Any) -> tuple[str, ...]:
    """Return SOURCE texts; nothing else tells of a saliency where files are read."""
    return tuple(source_texts(value))


def _size(name: str, value: Any) -> int | str:
    """A size, or a share of the input's bytes such as ``"50%"``, which the plan turns into a size."""
    return parse_size(value) if parse_share(name, value) is None else str(value).strip()


def _memory(name: str, value: Any) -> int:
    """Return a size, or a share of the machine's memory such as ``"50%"``."""
    share = parse_share(name, value)
    return parse_size(value) if share is None else int(memory_bytes() * share)


def _floors(name: str, value: Any) -> tuple[str, ...]:
    """Floors of quality: a number, a text, or a list of either."""
    items = read_items(name, value) if isinstance(value, list | tuple) else (value,)
    numbers = tuple(isinstance(item, int | float) and not isinstance(item, bool) for item in items)
    wanted = "such as 40 or salient:45"
    require(all(isinstance(item, str) or n for item, n in zip(items, numbers, strict=True)), name, value, wanted)
    return tuple(str(item) for item in items)


def _ratio(_: str, value: Any) -> float:
    return parse_ratio(value)


READERS: Mapping[str, tuple[Callable[[str, Any], Any], tuple[str, ...]]] = {
    "text": (read_text, ("input", "output", "sigma", "profile", "to_byte", "datetime")),
    "scheduler": (_scheduler, ("scheduler",)),
    "texts": (read_texts, ("stack", "select", "drivers", "treatment", "as_usual")),
    "sources": (_sources, ("saliency",)),
    "names": (_names, ("bands",)),
    "number": (read_number, ("background", "resolution", "target_bpp", "target_jpeg")),
    "band numbers": (_numbers, ("bidx",)),
    "floors": (_floors, ("min_psnr", "min_ssim")),
    "size": (_size, ("target_size",)),
    "memory": (_memory, ("max_memory",)),
    "ratio": (_ratio, ("target_ratio",)),
    "options": (read_options, ("creation_options",)),
}
"""Kind of value -> its reader, and the keys whose values are of that kind; other keys take what their type says."""
_CONVERT = {key: read for read, keys in READERS.values() for key in keys}
