import pickle

import pytest

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
        ("PG:host=h user=u password=CANARY table=t", "PG:host=h user=u password=*** table=t"),
        ("s3://bucket/key.tif cannot be read", "s3://bucket/key.tif cannot be read"),
        ("is it /tmp/a.tif? yes, mail me@home", "is it /tmp/a.tif? yes, mail me@home"),
    ],
)
def test_secrets_of_urls_never_reach_a_message(text: str, clean: str) -> None:
    assert str(errors.SceneError(text)) == clean
    assert str(errors.GeosalWarning(text)) == clean
