import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

import geosal
from geosal import errors


def leaves() -> list[type[errors.GeosalError]]:
    return errors.GeosalError.__subclasses__()


def test_each_leaf_has_an_exit_code_of_its_own() -> None:
    assert sorted(leaf.exit_code for leaf in leaves()) == [2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("leaf", leaves())
def test_each_leaf_is_also_a_builtin_and_survives_the_way_back_from_a_worker(leaf: type[errors.GeosalError]) -> None:
    assert any(
        base.__module__ == "builtins" and base not in (object, Exception, BaseException) for base in leaf.__mro__
    )
    back = pickle.loads(pickle.dumps(leaf("asked; found; mend")))
    assert type(back) is leaf
    assert str(back) == "asked; found; mend"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(28, "No space left on device", "/data/.work/0/0"), "No space left on device"),
        (OSError("GDAL: a\n tile. To debug, set CPL_DEBUG"), "GDAL: a tile"),
        (ValueError("no such thing"), "no such thing"),
        (ValueError(), "ValueError"),
    ],
)
def test_a_cause_is_one_line_without_numbers_and_inner_paths(error: Exception, cause: str) -> None:
    assert errors.cause_of(error) == cause


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://u:CANARY@h/x.tif?X-Amz-Signature=CANARY is gone", "https://***@h/x.tif?*** is gone"),
        ("/vsicurl/https://u:CANARY@h/x.tif", "/vsicurl/https://***@h/x.tif"),
        ("https://u:p@ss@h/x.tif", "https://***@h/x.tif"),
        ("/vsicurl?header.X-Key=CANARY&url=https://h/x.tif is gone", "/vsicurl?*** is gone"),
        ("x.tif?X-Amz-Signature=CANARY, band 1: failed", "x.tif?***, band 1: failed"),
        ("SAS sv=2024&sig=CANARY%3D&se=1 is refused", "SAS sv=2024&sig=***&se=1 is refused"),
        ("header X-Amz-Security-Token=CANARY", "header X-Amz-Security-Token=***"),
        ("PG:host=h user=u password=CANARY table=t", "PG:host=h user=u password=*** table=t"),
        ("s3://bucket/key.tif cannot be read", "s3://bucket/key.tif cannot be read"),
        ("is it /tmp/a.tif? yes, mail me@home", "is it /tmp/a.tif? yes, mail me@home"),
    ],
)
def test_secrets_of_urls_never_reach_a_message(text: str, clean: str) -> None:
    assert str(errors.SceneError(text)) == clean
    assert str(errors.GeosalWarning(text)) == clean


def test_what_a_message_quotes_does_not_break_its_line() -> None:
    assert str(errors.SceneError("x.tif: is called 'a\r\nb\u2028c'; copy it")) == "x.tif: is called 'a b c'; copy it"


@pytest.fixture(scope="module")
def blue_first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene that gives reasons to warn: bands as a PNG does not show them, and no place."""
    path = tmp_path_factory.mktemp("warned") / "scene.tif"
    with rasterio.open(path, "w", "GTiff", 64, 64, 3, dtype="uint8", photometric="RGB", nodata=0) as sink:
        sink.write(np.random.default_rng(1).integers(1, 255, (3, 64, 64), np.uint8))
    with rasterio.open(path, "r+") as sink:
        sink.colorinterp = tuple(reversed(sink.colorinterp))
    with rasterio.open(path) as scene:
        holed = scene.read()
        holed[:, :9] = 0
        with rasterio.open(path.with_name("holed.tif"), "w", **scene.profile) as sink:
            sink.write(holed)
        with rasterio.open(path.with_name("flat.tif"), "w", **(scene.profile | {"count": 1, "nodata": None})) as sink:
            sink.write(np.full((1, 64, 64), 200, np.uint8))
    return path


def flat(scene: Path) -> str:
    return str(scene.with_name("flat.tif"))


def recipe(scene: Path) -> geosal.Recipe:
    return geosal.Recipe(input=str(scene), output="o.tif", saliency=("half",))


@pytest.mark.parametrize(
    ("told", "call"),
    [
        ("has no georeferencing", lambda path: geosal.make_plan(recipe(path))),
        ("its bands are blue", lambda path: geosal.compress(path, "a.png", saliency="half", overwrite=True)),
        ("stay as they are", lambda path: geosal.compress(path, "b.tif", saliency=f"{flat(path)}:range=0-200")),
        ("its bands are blue", lambda path: geosal.write(geosal.open_scene(path), "c.png")),
        ("its bands are blue", lambda path: geosal.open_scene(path).geosal.write("d.png")),
        ("every pixel gets the same", lambda path: geosal.saliency(flat(path), like=geosal.open_scene(path))),
        ("every pixel gets the same", lambda path: geosal.open_scene(path).geosal.saliency(flat(path))),
        ("do not here", lambda path: geosal.compare(path, path.with_name("holed.tif"))),
        ("do not here", lambda path: geosal.open_scene(path).geosal.compare(path.with_name("holed.tif"))),
    ],
    ids=[
        "plan", "compress", "end-of-compress", "write", "accessor-write", "saliency", "accessor-saliency", "compare",
        "accessor-compare",
    ],
)  # fmt: skip
def test_a_warning_is_blamed_on_the_line_that_called_geosal(
    blue_first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, call: Callable[[Path], object]
) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", errors.GeosalWarning)
        call(blue_first)
    ours = [one for one in caught if issubclass(one.category, errors.GeosalWarning)]
    assert any(told in str(one.message) for one in ours)
    assert {one.filename for one in ours} == {__file__}


def test_nobody_guesses_how_deep_the_stack_is() -> None:
    package = Path(geosal.__file__).parent
    own = package / "errors.py"
    assert [path for path in package.rglob("*.py") if path != own and "warnings.warn(" in path.read_text()] == []
