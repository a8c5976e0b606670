"""What a shell offers; click's own completion is asked, as the scripts of the shells do."""

import pytest
from click.shell_completion import ShellComplete

from geosal.cli.main import geosal as group


def _offered(*words: str) -> list[str]:
    *before, incomplete = words
    items = ShellComplete(group, {}, "geosal", "_GEOSAL_COMPLETE").get_completions(list(before), incomplete)
    return [item.value if item.type == "plain" else f"<{item.type}>" for item in items]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("compress", "a.tif", "b.jp2", "--profile", ""), ["jp2-lossless", "jp2", "htj2k"]),
        (("plan", "a.tif", "b.tif", "--profile", "Z"), ["zstd"]),
        (("compress", "--profile", "jp"), ["jpeg", "jp2-lossless", "jp2", "jpg"]),
        (("compress", "a.tif", "b.xyz", "--profile", "htj"), ["htj2k"]),
        (("compress", "-s", "cl"), ["clouds"]),
        (("compress", "-s", "masks/m"), ["<file>"]),
        (("compress", "--treatment", ""), ["smooth", "bound", "quality", "twopass"]),
        (("compress", "--out-dir", "x"), ["<dir>"]),
        (("compress", "a"), ["<file>"]),
        (("compress", "a.tif", "b.tiff", "--profile", "l"), ["lzw", "lzma", "lerc"]),
        (("compress", "--config", "s"), ["sentinel2"]),
        (("compress", "--config", "my"), ["<file>"]),
        (("sources", "ve"), ["vector"]),
        (("profiles", "w"), ["webp"]),
        (("saliency", "pe"), ["perlin"]),
        (("verify", "out"), ["<file>"]),
        (("verify", "out.tif", "--against", "s"), ["<file>"]),
        (("saliency", "--palette", ""), ["viridis", "magma", "jet"]),
    ],
)
def test_values_are_offered(words: tuple[str, ...], offered: list[str]) -> None:
    assert _offered(*words) == offered


def test_all_sources_are_offered() -> None:
    assert {"clouds", "water", "detail", "cnn", "perlin"} <= set(_offered("compress", "-s", ""))
