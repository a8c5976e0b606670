"""``geosal info``: what a raster holds."""

from typing import Any

import click

from geosal.cli import options
from geosal.cli.completion import complete_file
from geosal.cli.output import Report, pairs
from geosal.cli.panels import PanelledCommand
from geosal.sizes import as_bytes, counted


@click.command(cls=PanelledCommand, short_help="Show what a raster or a product holds.")
@click.argument("input", metavar="INPUT", shell_complete=complete_file)
@options.select
@options.drivers
@options.report_options
def info(input: str, select: tuple[str, ...], drivers: tuple[str, ...], report: Report, quiet: bool) -> None:
    """Show what a raster or a product holds, and what geosal did to it when geosal wrote it.

    \b
    geosal info scene.tif
    geosal info S2B_MSIL2A_….SAFE
    geosal info smaller.tif --json -
    geosal info series.zarr/reflectance --select time=2024-05-01
    """
    from geosal.scenes import describe  # heavy, and the help does not need it

    del quiet  # the table is what was asked for
    options.keep_report_apart(report, (), input)
    described = describe(input, select=select, drivers=drivers)
    report.show(_as_table(described))
    report.write(described)


def _as_table(raster: dict[str, Any]) -> str:
    from geosal.core.provenance import RECIPE, UNTOLD_TAGS
    from geosal.job.recall import wish_of, words_of

    rows: list[tuple[str, object]] = [
        ("path", raster["path"]),
        ("driver", " ".join(filter(None, [raster["driver"], raster.get("compression")]))),
        ("bytes", as_bytes(raster["bytes"]) if raster["bytes"] is not None else "unknown"),
        ("size", f"{raster['width']} x {raster['height']} px, {counted(raster['count'], 'band')} of {raster['dtype']}"),
        ("CRS", _short_crs(raster["crs"]) or _other_georeference(raster)),
        ("pixel", _pixel(raster["pixel"], raster["unit"])),
        ("bounds", ", ".join(f"{edge:.10g}" for edge in raster["bounds"])),
        ("nodata", "none" if raster["nodata"] is None else raster["nodata"]),
        ("mask", "yes" if raster["mask"] else "no"),
        ("tile", " x ".join(str(side) for side in reversed(raster["tile"]))),
        ("overviews", ", ".join(f"1/{factor}" for factor in raster["overviews"]) or "none"),
        ("bands", ", ".join(_band(number, band) for number, band in enumerate(raster["bands"], start=1))),
        ("tag domains", ", ".join(raster["tag_domains"]) or "none"),
    ]
    if "product" in raster:
        rows += _as_product(raster["product"])
    told = {key: text for key, text in raster["provenance"].items() if key not in UNTOLD_TAGS}
    if raster["recipe"] is not None:
        told[RECIPE] = words_of(wish_of(raster["recipe"]))
    return pairs(rows + sorted(told.items()))


def _as_product(product: dict[str, Any]) -> list[tuple[str, object]]:
    """Make rows about all bands of a product, whether they are opened by default or not."""
    there = [band for band in product["bands"] if band["resolutions"]]
    missing = [band["name"] for band in product["bands"] if not band["resolutions"]]
    names = ", ".join(
        f"{band['name']} ({' '.join(filter(None, [band['role'], _metres(band['resolutions'])]))})" for band in there
    )
    of = [product[key] for key in ("platform", "processing_level", "acquired") if product[key]]
    if product["cloud_cover"]:
        of.append(f"{product['cloud_cover']} % cloud")
    return [
        *([("product", ", ".join(of))] if of else []),
        ("has", names),
        *([("not there", ", ".join(missing))] if missing else []),
        ("quality", ", ".join(dict.fromkeys(band["kind"] for band in product["quality"])) or "none"),
    ]


def _metres(resolutions: list[float]) -> str:
    return "/".join(f"{resolution:g}" for resolution in resolutions) + " m"


def _band(number: int, band: dict[str, Any]) -> str:
    name = band["description"] or str(number)
    return f"{name} ({band['colorinterp']})" if band["colorinterp"] not in {"undefined", "gray"} else name


def _pixel(sides: list[float], unit: str | None) -> str:
    """Write the size of a pixel: ``10 x 10 m``."""
    if unit in {None, "unknown"}:
        return "of unknown size"
    name = {"metre": "m", "meter": "m", "degree": "degrees"}.get(str(unit), unit)
    return f"{sides[0]:.6g} x {sides[1]:.6g} {name}"


def _short_crs(crs: str | None) -> str | None:
    return crs if crs is None or len(crs) <= 100 else f"{crs[:97]}..."


def _other_georeference(raster: dict[str, Any]) -> str:
    found = [f"{raster['gcps']} GCPs"] if raster["gcps"] else []
    return ", ".join(found + (["RPCs"] if raster["rpcs"] else [])) or "none"
