"""The options that several commands share, each defined once, and the recipe they make."""

import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from geosal.cli.completion import (
    complete_config,
    complete_file,
    complete_folder,
    complete_profile,
    complete_source,
    complete_treatment,
)
from geosal.cli.guard import verbose
from geosal.cli.output import Report
from geosal.names import COMBINE, CONFIGS, OUTSIDE, PROFILES, RESAMPLING, did_you_mean

if TYPE_CHECKING:
    from geosal.job.recipe import Recipe
    from geosal.sources import SourceText

_CONFIGS = Path(__file__).parents[1] / "configs"
Command = TypeVar("Command", bound=Callable[..., Any])


def together(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Make one decorator of several; the first one comes first in the help."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def _parse_pairs(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    if not values:
        return {}
    from geosal.formats.options import united  # heavy, and the help does not need it

    pairs = []
    for value in values:
        key, equals, text = value.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{value!r} is no KEY=VALUE", param=parameter)
        pairs.append((key, text))
    return united(pairs)


def _make_report(context: click.Context, _: click.Parameter, value: str | None) -> Report:
    return Report.to(value, quiet=bool(context.params.get("quiet")))


def brought_recipes() -> dict[str, Path]:
    """Return the recipes that come with geosal, by the paths by which its pages name them: configs/paper/grid.yaml."""
    return {f"configs/{path.relative_to(_CONFIGS).as_posix()}": path for path in sorted(_CONFIGS.rglob("*.yaml"))}


def find_study(_: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return the path of a study's recipe: a file, or one that comes with geosal."""
    if os.path.isfile(value):
        return value
    brought = brought_recipes()
    if value not in brought:
        hint = did_you_mean(value, brought, "; ") or "; geosal brings some, such as configs/paper/small.yaml"
        raise click.BadParameter(f"{value}: no such file{hint}", param=parameter)
    return str(brought[value])


def _find_config(_: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return the path of a recipe: a file, or one that comes with geosal."""
    if value is None or os.path.isfile(value):
        return value
    if value in CONFIGS:
        return str(_CONFIGS / f"{value}.yaml")
    if value in (brought := brought_recipes()):
        return str(brought[value])
    hint = f"{did_you_mean(value, CONFIGS)} ".lstrip()
    raise click.BadParameter(f"{value}: no such file; {hint}geosal itself brings {', '.join(CONFIGS)}", param=parameter)


quiet = click.option("-q", "--quiet", is_flag=True, is_eager=True, help="No progress and no table; warnings stay.")
json = click.option(
    "--json", "report", metavar="FILE|-", callback=_make_report,
    help="Write the outcome as one JSON document; with - to stdout, and nothing else there.",
)  # fmt: skip
overwrite = click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
bidx = click.option(
    "-b", "--bidx", type=int, multiple=True, metavar="N", help="Bands by number, from 1: -b 4 -b 3 -b 2 takes them so."
)
bands = click.option(
    "--bands", multiple=True, metavar="NAMES",
    help="Bands by name, role or group, with commas between: rgb, B04,B03,B02, nir, all-10m.",
)  # fmt: skip
resolution = click.option(
    "--resolution", type=float, metavar="UNITS", help="Pixel size for all bands of a product, in units of its CRS."
)
resampling = click.option(
    "--resampling", type=click.Choice(RESAMPLING), help="Resampling of bands of another resolution (default nearest)."
)
to_byte = click.option(
    "--to-byte", metavar="RULE",
    help="Convert samples to 8 bits: percentile:2-98, range:0-0.3 (reflectance where known), tci, gamma:2.2.",
)  # fmt: skip
select = click.option(
    "--select", multiple=True, metavar="DIM=VALUE",
    help="Step of a further dimension of a Zarr store: time=2024-05-01, time=#0 (by number), time=~2024-05-01 "
    "(the nearest).",
)  # fmt: skip
stack = click.option(
    "--stack", multiple=True, metavar="FILE", shell_complete=complete_file,
    help="Raster whose bands follow those of INPUT, on its grid; repeat it.",
)  # fmt: skip
reading = together(bidx, bands, resolution, resampling, to_byte, select, stack)
drivers = click.option(
    "--allow-driver", "drivers", metavar="NAME", multiple=True,
    help="Trust one more GDAL driver, such as VRT, which can read any file or server.",
)  # fmt: skip
max_pixels = click.option(
    "--max-pixels", type=click.IntRange(min=1), metavar="N", help="Refuse a scene of more pixels.",
)  # fmt: skip
saliency = click.option(
    "-s", "--saliency", multiple=True, metavar="SOURCE", shell_complete=complete_source,
    help="Where to look: a name (geosal sources lists them), a mask raster or a vector file, with parameters after a "
    "colon: clouds, mask.tif:range=0-255, ships.geojson:buffer=60. Repeat it to unite several.",
)  # fmt: skip
combine = click.option(
    "--combine",
    type=click.Choice(COMBINE),
    help="How several sources are combined (default: interest by max, exclusions by min).",
)
outside = click.option(
    "--outside", type=click.Choice(OUTSIDE), help="Pixels without a source: kept (default) or smoothed most."
)
background = click.option(
    "--background", type=click.FloatRange(0, 1), metavar="S",
    help="Saliency where vectors and classes name nothing (default 0).",
)  # fmt: skip
steps = click.option(
    "--steps", type=click.IntRange(min=1), metavar="N",
    help="Kernels above width 1 (default 8: widths 1, 3 ... 17).",
)  # fmt: skip
sigma = click.option(
    "--sigma", metavar="RULE", help="Sigma of a kernel of width K: opencv (default), or such as 0.25*K."
)
block = click.option(
    "--block",
    type=click.IntRange(min=1),
    metavar="N",
    help="Rows and columns of a unit of work (default: 2048 or less).",
)
treatment = click.option(
    "--treatment", multiple=True, metavar="NAME[:KEY=VALUE,...]", shell_complete=complete_treatment,
    help="What saliency does: smooth (default for lossless codecs, with a bound where samples have more than 8 bits), "
    "bound:error=32 (off by at most so much; lossless codecs, lerc), quality:low=40,high=90 (of each tile; default for "
    "jpeg, webp, jp2, jpg), twopass:low=30,high=70 (.jpg: encoded at the quality of each level, decoded, encoded "
    "again). Repeat it to combine with smooth.",
)  # fmt: skip
workers = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Blocks at once (default: one per core)."
)
profile = click.option(
    "--profile", metavar="NAME", shell_complete=complete_profile,
    help=f"Codec: {', '.join(chain(*PROFILES.values()))}. Default: the first for the output: deflate for .tif, "
    "jp2-lossless for .jp2.",
)  # fmt: skip
quality = click.option(
    "--quality",
    metavar="N",
    help="Quality of a lossy codec, as --co QUALITY=N: JPEG and WebP 1 to 100, JPEG 2000 a rate.",
)
creation_options = click.option(
    "--co", "creation_options", multiple=True, metavar="KEY=VALUE", callback=_parse_pairs,
    help="GDAL creation option; it overrides the profile's.",
)  # fmt: skip

targets = together(
    click.option(
        "--target-size", metavar="SIZE", help="Bytes of the file at most, and hardly less: 50MB, or 50% of the input's."
    ),
    click.option("--target-bpp", type=float, metavar="BITS", help="Bits of the file per pixel, within 1 %."),
    click.option("--target-ratio", metavar="RATIO", help="Bytes of the pixels over those of the file, within 1 %: 20."),
    click.option(
        "--target-jpeg", type=float, metavar="QUALITY",
        help="Bytes of a plain JPEG of that quality, within 1 % (.jpg; about 75 where nothing else says how large).",
    ),
    click.option(
        "--min-psnr", multiple=True, metavar="[PART:]DB",
        help="Least PSNR, of the whole scene or a part: 40, salient:45, background:30. The smallest file that has it.",
    ),
    click.option("--min-ssim", multiple=True, metavar="[PART:]VALUE", help="Least SSIM, likewise: 0.95, salient:0.99."),
)  # fmt: skip
"""Options for what is asked of the result; the setting is found by trial."""

job_arguments = together(
    click.argument("paths", nargs=-1, metavar="INPUT... OUTPUT", shell_complete=complete_file),
    click.option(
        "--out-dir", metavar="DIR", shell_complete=complete_folder,
        help="Directory for the outputs of any number of INPUTs, as OUTPUT may be one (DIR/). Of a product all bands "
        "go into it, each a file, unless --bands chooses those of one file.",
    ),
    click.option(
        "--suffix", metavar="TEXT",
        help="What names in a directory end with: .jpg, _small.jp2 (default: as the profile's files; .tif).",
    ),
)  # fmt: skip
"""An input and its output, or several inputs and the directory of their outputs."""
job_options = together(
    saliency,
    combine,
    outside,
    background,
    steps,
    sigma,
    treatment,
    profile,
    quality,
    creation_options,
    targets,
    reading,
    click.option(
        "--config", metavar="FILE", callback=_find_config, shell_complete=complete_config,
        help=f"Recipe in YAML, of one job or several; or {' or '.join(CONFIGS)}, which come with geosal. Options on "
        "the command line override it. Paths in it count from its own folder.",
    ),
    click.option(
        "--like", metavar="FILE", shell_complete=complete_file,
        help="Repeat the job that made FILE, an output of geosal; other options go before what it says.",
    ),
    click.option(
        "--scheduler", metavar="ADDRESS|threads|processes", shell_complete=complete_file,
        help="Where blocks are worked on: here (threads, default; processes) or on a dask cluster: tcp://host:8786, "
        "tls://host:8786, or its scheduler file (.json).",
    ),
    click.option(
        "--insecure-cluster", is_flag=True,
        help="Trust the network of a cluster beyond this machine that is reached by tcp://, which has no password.",
    ),
    workers,
    block,
    click.option("--max-memory", metavar="SIZE", help="Fit the job into this much memory: 512MB, 1GiB, 50%."),
    max_pixels,
    drivers,
    click.option("--stac", is_flag=True, help="Write a STAC item beside OUTPUT: OUTPUT.stac.json."),
    click.option(
        "--datetime", metavar="TIME",
        help="When the scene was taken, for --stac where its metadata do not tell: 2024-05-01T10:40:21Z, a day, "
        "START/END.",
    ),
    click.option(
        "--not-larger", is_flag=True, help="Fail (exit code 6), and leave no OUTPUT, if it would be larger than INPUT."
    ),
    click.option(
        "--seal", is_flag=True, help="Seal OUTPUT: geosal verify can then prove without INPUT that what matters is "
        "as it was. Needs a codec that keeps it bit for bit.",
    ),
    overwrite,
)  # fmt: skip
report_options = together(quiet, json, verbose)


def build_recipe(config: str | None, options: dict[str, Any]) -> "Recipe":
    """Make the recipe of a YAML file and the given options, which override those of the file.

    None, False and empty values are what click hands out where the command line says nothing.

    Raises
    ------
    UsageError
        See `Recipe.from_mapping`.
    SceneError
        The file cannot be read.
    """
    from geosal.job.recipe import Recipe

    return Recipe.from_mapping(whole_wish(config, options))


def build_jobs(config: str, options: dict[str, Any]) -> "list[Recipe]":
    """Make the recipe of each job in a YAML file of several, below the given options; none where it is of one.

    Raises
    ------
    UsageError, SceneError
        As `build_recipe`.
    """
    from geosal.job.merge import over
    from geosal.job.recipe import Recipe
    from geosal.job.recipe_file import read_jobs

    wish, jobs = read_jobs(config)
    return [Recipe.from_mapping(over(_given(options), over(job, wish))) for job in jobs]


def whole_wish(config: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """Return what a YAML file and the command line ask for; the latter goes before the file.

    Raises
    ------
    UsageError, SceneError
        The file cannot be read, or is of several jobs.
    """
    from geosal.job.merge import over
    from geosal.job.recipe_file import read_recipe

    return over(_given(options), {} if config is None else read_recipe(config))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return what the command line says."""
    said = {name: value for name, value in options.items() if value is not False and value not in (None, (), {})}
    given = {name: value for name, value in said.items() if name != "quality"}
    if (quality := options.get("quality")) is not None:
        from geosal.formats.options import united

        given["creation_options"] = united([*given.get("creation_options", {}).items(), ("QUALITY", quality)])
    return given


def job_paths(sources: "Sequence[str | SourceText]", *paths: str | None) -> tuple[str, ...]:
    """Return files and folders of a job: those named, the folders of their products, and what its SOURCEs name.

    Raises
    ------
    UsageError
        A SOURCE text is wrong.
    """
    from geosal.scenes import input_places
    from geosal.sources import SourceText

    given = [path for path in paths if path is not None]
    read = (SourceText.parse(source) if isinstance(source, str) else source for source in sources)
    named = [path for source in read for path in source.paths]
    return (*chain.from_iterable(map(input_places, given)), *named)


def keep_report_apart(report: Report, sources: "Sequence[str | SourceText]", *paths: str | None) -> None:
    """Refuse to write the JSON document over a mask of the job, over another file of it, or into a product of it.

    Raises
    ------
    UsageError
        See `Report.keep_apart` and `job_paths`.
    """
    report.keep_apart(*job_paths(sources, *paths))
