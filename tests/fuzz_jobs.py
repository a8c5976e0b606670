"""Targets of `fuzz.py`: recipes, journals, seals, whole commands, and the texts that people write."""

import json
import os
import shutil
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from fuzz_base import Seed, Target, made_in, put, scene_in, tick
from mutations import as_json, as_lines, as_text, bytewise, some

import geosal
from geosal.errors import GeosalError

# ---- Recipes, journals, seals.

_RECIPE = b"""input: scene.tif
output: out.tif
saliency: [half, "perlin:seed=3,octaves=2", {sources}]
steps: 8
sigma: opencv
treatment: [bound:error=2]
profile: deflate
creation_options: {BLOCKSIZE: 256, PREDICTOR: YES}
bidx: [1, 2]
background: 0.5
max_memory: 2GB
to_byte: range:0-9000
target_ratio: 4
"""
_EXPERIMENT = b"""images: {a: [pictures], b: more}
saliency: [cnn]
passes: 2
qualities: [30, 50]
modes: ["twopass:low=30,high=70", quality]
steps: 8
salient: 0.5
keep: true
"""


def _read_yaml(folder: Path, place: str, data: bytes) -> None:
    from geosal.job.recipe import Recipe
    from geosal.job.recipe_file import read_jobs
    from geosal.lab.experiments.study import read_study

    path = put(folder, place, data)
    if place == "experiment.yaml":
        read_study(path)
        return
    wish, jobs = read_jobs(path)
    for one in jobs or [{}]:
        Recipe.from_mapping(wish | one)


def _yamls(folder: Path) -> list[Seed]:
    recipe = _RECIPE.replace(b", {sources}", b"")
    jobs = b"saliency: half\nsteps: 4\njobs:\n- {input: a.tif, output: b.tif}\n- input: c.tif\n  output: d.tif\n"
    seeds = [Seed("recipe.yaml", recipe, some(as_lines, as_text)), Seed("recipe.yaml", jobs, some(as_lines, as_text))]
    seeds.append(Seed("experiment.yaml", _EXPERIMENT, some(as_lines, as_text)))
    for one in seeds:
        put(folder, one.place, one.data)
    return seeds


def _tags_of(folder: Path, **options: Any) -> dict[str, str]:
    import rasterio

    with rasterio.MemoryFile(made_in(folder, f"tags{tick()}.tif", **options)) as file, file.open() as dataset:
        return {key: text for key, text in dataset.tags().items() if key.startswith("GEOSAL_")}


def _recipes(folder: Path) -> list[Seed]:
    texts = [
        _tags_of(folder)["GEOSAL_RECIPE"],
        _tags_of(folder, treatment="bound:error=3", saliency=["grid", "perlin:seed=2"], steps=4)["GEOSAL_RECIPE"],
        json.dumps(
            json.loads(_tags_of(folder)["GEOSAL_RECIPE"]) | {"saliency": [{"source": "m.tif", "sha256": "0" * 64}]}
        ),
    ]
    put(folder, "out.tif", b"")
    return [Seed("", text.encode(), as_json) for text in texts]


def _read_recipe(folder: Path, place: str, data: bytes) -> None:
    del place
    from geosal.job import recall as recalling
    from geosal.job.recipe import Recipe

    tags = {"GEOSAL_RECIPE": data.decode("utf-8", "replace")}
    with mock.patch.object(recalling, "tags_in", return_value=tags):
        found = recalling.recall(str(folder / "out.tif"), str(folder / "scene.tif"))
        if found is not None:
            recalling.words_of(found.wish)
            recalling.find_stack(found.stack, str(folder / "scene.tif"), str(folder / "out.tif"))
            Recipe.from_mapping({"input": "a.tif", "output": "b.tif", "saliency": "half", **found.wish})


def _journals(folder: Path) -> list[Seed]:
    """The journal of a job that was killed when all of its blocks were there."""
    from geosal.files.journal import Before, _records

    scene_in(folder)
    kept = folder / "killed"

    def stop(*_: object) -> None:
        (left,) = folder.glob(".out.tif.geosal-*")
        kept.mkdir()
        for path in left.iterdir():
            (kept / path.name).write_bytes(path.read_bytes())
        raise KeyboardInterrupt

    with mock.patch("geosal.formats.cog.container.CogContainer.finish", stop), suppress(KeyboardInterrupt):
        _resumable(folder)
    for path in folder.glob(".out.tif.geosal-*"):
        shutil.rmtree(path)
    _resumable(folder)
    (folder / "out.tif").rename(folder / "whole.tif")
    content = (kept / "journal.jsonl").read_bytes()
    assert Before.read(kept / "journal.jsonl") is not None
    lines = list(_records(content))
    return [Seed("journal", json.dumps(lines).encode(), as_json), Seed("raw", content, some(as_lines))]


def _resumable(folder: Path, **options: Any) -> Any:
    wish = {
        "saliency": "half",
        "treatment": "smooth",
        "block": 512,
        "workers": 1,
        "creation_options": {"BLOCKSIZE": "64"},
    }
    return geosal.compress(folder / "scene.tif", folder / "out.tif", overwrite=True, **wish, **options)


def _read_journal(folder: Path, place: str, data: bytes) -> None:
    from geosal.files.journal import _line

    work = folder / ".out.tif.geosal-1-x"
    shutil.copytree(folder / "killed", work)
    try:
        if place == "journal":
            try:
                data = b"".join(_line(line) for line in json.loads(data))
            except (ValueError, TypeError, RecursionError):  # nobody can write that
                return
        (work / "journal.jsonl").write_bytes(data)
        _resumable(folder, resume=True)
        found = (folder / "out.tif").read_bytes()
        assert found == (folder / "whole.tif").read_bytes(), "another file"
    finally:
        shutil.rmtree(work, ignore_errors=True)
        (folder / "out.tif").unlink(missing_ok=True)


def _notes(folder: Path) -> list[Seed]:
    for name in ("out.tif", "out.tif.aux.xml", "victim.tif", "scene.txt"):
        put(folder, name, name.encode())
    work = folder / ".out.tif.geosal-1-x"
    (work / "kept").mkdir(parents=True)
    put(work, "out.tif", b"new")
    put(work, "kept/.aux.xml", b"old")
    mark = [(stat := (folder / "out.tif").stat()).st_dev, stat.st_ino]
    told = {
        "directory": str(work), "main": str(work / "out.tif"), "output": str(folder / "out.tif"), "new": [".aux.xml"],
        "old": [".aux.xml", ".msk"], "before": mark, "after": None, "kept": "kept",
    }  # fmt: skip
    return [Seed(".out.tif.geosal-1-x/swap.json", json.dumps(told).encode(), as_json)]


def _read_note(folder: Path, place: str, data: bytes) -> None:
    from geosal.files.leftovers import settle

    others = ("victim.tif", "scene.txt")
    put(folder, place, data)
    settle(str(folder / "out.tif"))
    assert all((folder / name).read_bytes() == name.encode() for name in others), "another file was touched"
    for name in ("out.tif", "out.tif.aux.xml"):
        put(folder, name, name.encode()) if not (folder / name).exists() else None
    put(folder, place, data)
    work = folder / ".out.tif.geosal-1-x"
    put(work, "out.tif", b"new")
    put(work, "kept/.aux.xml", b"old")


def _stream(data: bytes, chance: Any) -> bytes:
    """Change what is compressed behind the first byte."""
    return data[:1] + zlib.compress(bytewise(zlib.decompress(data[1:]), chance))


def _seals(folder: Path) -> list[Seed]:
    from geosal.seals.bitmaps import pack

    tags = _tags_of(folder, seal=True)
    text = f"{tags['GEOSAL_SEAL_CLAIM']}\n{tags['GEOSAL_SEAL']}\n" + tags["GEOSAL_SEAL_TILES"].replace(" ", "\n") + "\n"
    put(folder, "x.seal", text.encode())
    change = some(as_lines, as_text, _head_of_seal)
    return [Seed("x.seal", text.encode(), change), Seed("", pack(np.tri(96, dtype=np.bool_)), _stream)]


def _head_of_seal(data: bytes, chance: Any) -> bytes:
    head, _, rest = data.partition(b"\n")
    return as_json(head, chance) + b"\n" + rest


def _read_seal(folder: Path, place: str, data: bytes) -> None:
    from geosal.seals import Head, Seal, read_file
    from geosal.seals.bitmaps import unpack
    from geosal.seals.document import is_seal_file

    if not place:
        unpack(data, (96, 96))
        return
    image = Head(96, 96, 3, "uint8", whole=True, claim={})
    path = put(folder, place, data)
    is_seal_file(path)
    text = data.decode("ascii", "replace").split("\n")
    tags = {"GEOSAL_SEAL_CLAIM": text[0], "GEOSAL_SEAL": "0", "GEOSAL_SEAL_TILES": " ".join(text[2:])}
    with suppress(ValueError):
        Seal.of_tags(tags, image)
    read_file(path, image)


# ---- Whole commands, on outputs whose tags were changed.


def _outputs(folder: Path) -> list[Seed]:
    import rasterio

    scene = scene_in(folder)
    found = []
    usual = {"saliency": "half", "treatment": "smooth", "profile": "deflate"}
    for name, options in {"a.tif": {"seal": True}, "b.tif": {"treatment": "bound:error=4"}}.items():
        geosal.compress(scene, folder / name, **(usual | options))
        with rasterio.open(folder / name) as dataset:
            tags = {key: text for key, text in dataset.tags().items() if key.startswith("GEOSAL_")}
        found.append(Seed(name, json.dumps(tags).encode(), some(as_json, _inner_of_tags, noise=0)))
    return found


def _inner_of_tags(data: bytes, chance: Any) -> bytes:
    """Change the text of one tag by its own grammar."""
    told = json.loads(data)
    key = chance.choice(list(told))
    change = as_json if told[key].startswith("{") else as_text
    return json.dumps(told | {key: change(told[key].encode(), chance).decode("utf-8", "replace")}).encode()


def _run_commands(folder: Path, place: str, data: bytes) -> None:
    import rasterio
    from click.testing import CliRunner

    from geosal.cli.main import geosal as group

    try:
        told = {str(key): str(text) for key, text in json.loads(data).items() if isinstance(text, str)}
    except (ValueError, AttributeError, RecursionError):  # those are no tags
        return
    tags = {
        key.encode("utf-8", "replace").decode(): text.encode("utf-8", "replace").decode()
        for key, text in told.items()
        if key and key.isascii() and "=" not in key and "\0" not in key + text
    }
    work = folder / "work"
    work.mkdir(exist_ok=True)
    try:
        shutil.copy(folder / place, work / place)
        with rasterio.open(work / place, "r+", IGNORE_COG_LAYOUT_BREAK=True) as dataset:
            dataset.update_tags(**{key: "" for key in dataset.tags() if key.startswith("GEOSAL_")})
            dataset.update_tags(**tags)
        output, scene = str(work / place), str(folder / "scene.tif")
        for words in (["info", output], ["verify", output], ["verify", output, "--against", scene, "--json", "-"]):
            result = CliRunner().invoke(group, words, prog_name="geosal")
            assert result.exit_code in {0, 2, 3, 4, 6}, (
                f"{words[0]} ends with {result.exit_code}: {result.stderr[-200:]} {result.exception!r}"
            )
            assert "Traceback" not in result.stderr
            assert "unexpected" not in result.stderr, result.stderr[-200:]
            if "--json" in words:
                json.loads(result.stdout)
    finally:
        shutil.rmtree(work)


# ---- Texts.


def _grid() -> Any:
    from affine import Affine

    from geosal.core.grid import Grid

    return Grid("EPSG:32631", Affine(10, 0, 5e5, 0, -10, 4e6), 96, 96)


def _of_source(text: str) -> None:
    from geosal.sources import SourceText

    found = SourceText.parse(text)
    _ = found.paths, found.bare
    for key in dict(found.params):
        for read in (lambda k: found.number(k, 1, 0, 9), lambda k: found.integer(k, 1, 0, 9), found.interval):
            with suppress(GeosalError):
                read(key)


def _of_address(text: str) -> None:
    from geosal.errors import redact
    from geosal.files import addresses

    for read in (addresses.for_gdal, addresses.name_of, addresses.parent_of, addresses.absolute, redact):
        read(text)
    addresses.joined(text, "a/b")
    found = addresses.Address.of(text)
    _ = found and found.url


def _of_environment(text: str) -> None:
    from geosal.files import credentials

    names = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_S3_ENDPOINT", "AZURE_STORAGE_ACCOUNT", "AWS_NO_SIGN_REQUEST")
    told = dict.fromkeys(names, text.replace("\0", "")) | dict.fromkeys(
        ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull
    )
    with mock.patch.dict(os.environ, told):
        credentials.for_gdal()
        for scheme in ("s3", "gs", "az"):
            credentials.options_of(scheme)


def _grammars() -> dict[str, tuple[Callable[[str], object], tuple[str, ...]]]:
    from geosal.core.option_values import parse_share, parse_size
    from geosal.core.provenance import read_ladder, read_treatment
    from geosal.core.treatment import Treatment
    from geosal.job.targets import Floor, parse_ratio
    from geosal.job.trusted import compares_only
    from geosal.scenes.rules import ByteRule
    from geosal.sources.classes.class_tables import ClassTable
    from geosal.sources.length import parse_length
    from geosal.stac.when import When

    urls = (
        "https://u:p@h:80/a/b.tif?x=1#y",
        "s3://b/k.zarr/a",
        "/vsicurl/http://h/x",
        "/vsis3/b/k",
        "C:\\x.tif",
        "a b.tif",
    )
    treatments = ("bound:error=4", "quality:low=20,high=90", "smooth")
    tables = ("10=1;50=0.8;21-24=none", "worldcover;80=0.5;trees=0.7", "scl;cloud=1")
    return {
        "treatment": (lambda text: Treatment.parse(text.split("\n")), treatments),
        "tag of a treatment": (lambda text: read_treatment({"GEOSAL_TREATMENT": text}), treatments),
        "ladder": (lambda text: read_ladder({"GEOSAL_LADDER": text}), ("steps=8 sigma=opencv", "steps=3 sigma=2.5")),
        "size": (parse_size, ("2GB", "100 MiB", "1000", "3.5k")),
        "share": (lambda text: parse_share("max_memory", text), ("50%", "2GB")),
        "ratio": (parse_ratio, ("4", "10:1", "2.5")),
        "floor": (lambda text: Floor.parse("psnr", text), ("40", "38.5", "salient:50")),
        "rule": (ByteRule.parse, ("range:0-100", "percentile:2-98", "tci")),
        "length": (lambda text: parse_length("x", "k", text, _grid(), bare=True), ("5px", "60m", "0.5km", "0")),
        "time": (When.parse, ("2024-05-01T10:40:21Z", "2024-05-01/2024-06-01T00:00:00.5+02:00", "2024-05-01")),
        "classes": (partial(ClassTable.parse, "x"), tables),
        "filter": (compares_only, ("kind IN (1, 2) AND a >= 3.5 OR \"b\" LIKE 'x%'", "NOT (a IS NULL)")),
        "source": (_of_source, ("perlin:seed=7,octaves=3", "a.gpkg:where=kind IN (1,2),buffer=5px", "s3://b/x.tif:range=0-255")),
        "address": (_of_address, urls),
        "environment": (_of_environment, ("http://h:9000", "profile", "YES")),
    }  # fmt: skip


def _texts(folder: Path) -> list[Seed]:
    del folder
    return [Seed(name, text.encode(), some(as_text)) for name, (_, texts) in _grammars().items() for text in texts]


def _read_text(folder: Path, place: str, data: bytes) -> None:
    del folder
    _grammars()[place][0](data.decode("utf-8", "replace"))


def _reports(folder: Path) -> list[Seed]:
    told = {"schema": 1, "heading": "a", "scene": "b", "thumbnail": "", "outputs": [
        {"name": "a", "size": 1, "told": "x", "proved": True}]}  # fmt: skip
    return [Seed("a.html", json.dumps(told).encode(), as_json)]


def _read_report(folder: Path, place: str, data: bytes) -> None:
    from geosal.reports.index import Entry, _entry

    found = Entry._of(place, json.loads(data))
    if found is not None:
        _entry(found)


TARGETS: dict[str, Target] = {
    "YAML": Target(_yamls, _read_yaml),
    "recipes in tags": Target(_recipes, _read_recipe),
    "journals": Target(_journals, _read_journal, cost=20),
    "notes of swaps": Target(_notes, _read_note),
    "seals": Target(_seals, _read_seal, (ValueError,)),
    "commands on changed tags": Target(_outputs, _run_commands, cost=40),
    "texts": Target(_texts, _read_text),
    "summaries of reports": Target(_reports, _read_report, (ValueError, KeyError, TypeError, RecursionError)),
}
"""Name of a reader -> how it is tried."""
