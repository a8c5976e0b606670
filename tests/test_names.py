"""The words that the command line knows are those of the rooms that own what they name."""

from pathlib import Path

import geosal
from geosal import names
from geosal.core.treatment import KINDS
from geosal.formats.table import FORMATS
from geosal.maps.palettes import PALETTES
from geosal.scenes import RESAMPLING
from geosal.sources import SOURCES, combine
from geosal.sources.table import FILES


def test_the_words_are_those_of_their_rooms() -> None:
    assert tuple(SOURCES) == names.SOURCES
    assert set(names.OF_FILES) == set(FILES)
    assert names.COMBINE == combine.COMBINATIONS
    assert tuple(combine.OUTSIDE) == names.OUTSIDE
    assert names.RESAMPLING == RESAMPLING
    assert names.TREATMENTS == KINDS
    assert tuple(PALETTES) == names.PALETTES
    assert {form.suffixes: tuple(codec.name for codec in form.codecs) for form in FORMATS} == names.PROFILES


def test_the_word_that_was_meant() -> None:
    assert names.did_you_mean("Perlim", names.SOURCES) == "did you mean perlin?"
    assert names.did_you_mean("levle", ["LEVEL", "PREDICTOR"], "; ") == "; did you mean LEVEL?"
    assert names.did_you_mean("x", names.SOURCES, "; ") == ""


def test_the_recipes_that_are_named_come_with_geosal() -> None:
    configs = Path(geosal.__file__).parent / "configs"
    assert all((configs / f"{name}.yaml").is_file() for name in names.CONFIGS)
