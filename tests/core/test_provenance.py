"""What our files say of how they were made is read as it was written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal import GeosalWarning, Ladder, __version__
from geosal.core import provenance
from geosal.core.treatment import SMOOTH, Treatment
from geosal.errors import UsageError


@pytest.mark.parametrize("texts", [("smooth",), ("smooth", "bound:error=4.5"), ("quality:low=30,high=80",)])
def test_what_a_job_writes_is_read_again(texts: tuple[str, ...]) -> None:
    treatment, ladder = Treatment.parse(texts), Ladder(5, "0.2*K")
    recipe = {"saliency": [{"source": "half"}, {"source": "perlin"}], "steps": 5, "min_psnr": ["salient:40"]}
    tags = provenance.of_a_job(treatment, ladder, 7.25, "half; perlin", recipe)
    assert provenance.read_recipe(tags) == recipe | {"schema": 1}
    assert provenance.read_treatment(tags) == treatment
    assert provenance.read_ladder(tags) == ladder
    assert provenance.read_saliency(tags) == "half; perlin"
    assert (tags["GEOSAL_VERSION"], tags["GEOSAL_EFFECTIVE_KERNEL"]) == (__version__, "7.2500")
    assert provenance.all_of({"AREA_OR_POINT": "Area", **tags}) == tags
    assert set(provenance.OF_A_JOB) < set(tags)


def test_a_file_without_tags_was_smoothed_by_a_ladder_that_nobody_knows() -> None:
    assert provenance.read_treatment({}) == SMOOTH
    assert provenance.read_ladder({}) is None
    assert provenance.read_saliency({}) is None


@pytest.mark.parametrize("ladder", ["", "steps=8", "steps=many sigma=opencv", "steps=0 sigma=opencv", "8"])
def test_what_cannot_be_read_is_told_apart_from_what_is_not_there(ladder: str) -> None:
    assert provenance.read_ladder({"GEOSAL_LADDER": ladder}) is None
    assert provenance.read_treatment({"GEOSAL_TREATMENT": "blur"}) is None


def test_a_map_tells_its_levels_where_it_has_few() -> None:
    assert "GEOSAL_LEVELS" not in provenance.of_a_map("half", 255, None)
    assert provenance.of_a_map("half", 255, 4)["GEOSAL_LEVELS"] == "4"


WHOLE = {"schema": 1, "saliency": [{"source": "half"}], "steps": 8}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (70000 * "x", "70000 characters"),
        ("{", "is no JSON"),
        (9000 * "[", "is no JSON"),
        (json.dumps(WHOLE).replace("8", "NaN"), "NaN is no number"),
        (json.dumps(WHOLE).replace("8", "9" * 5000), "is no JSON"),
        ('{"schema":1,"schema":1}', "a key stands twice"),
        ("[1]", "no schema number"),
        ("{}", "no schema number"),
        (json.dumps(WHOLE | {"schema": True}), "no schema number"),
        (json.dumps(WHOLE | {"schema": 0}), "no schema number"),
        (json.dumps(WHOLE | {"schema": 2}), "schema 2 is newer than 1"),
        (json.dumps(WHOLE | {"schema": 2, "saliency": 3, "new": {}}), "schema 2 is newer than 1"),
        (json.dumps({"schema": 1}), "'saliency' is not as geosal writes it"),
        (json.dumps(WHOLE | {"saliency": []}), "'saliency' is not"),
        (json.dumps(WHOLE | {"saliency": ["half"]}), "'saliency' is not"),
        (json.dumps(WHOLE | {"saliency": [{"source": "half", "path": "/etc/passwd"}]}), "'saliency' is not"),
        (json.dumps(WHOLE | {"saliency": [{"source": "a.tif", "sha256": "../x"}]}), "'saliency' is not"),
        (json.dumps(WHOLE | {"saliency": [{"source": "a\nb"}]}), "'saliency' is not"),
        (json.dumps(WHOLE | {"steps": "8"}), "'steps' is not"),
        (json.dumps(WHOLE | {"steps": 10**300}), "'steps' is not"),
        (json.dumps(WHOLE | {"resolution": 10**300}), "'resolution' is not"),
        (json.dumps(WHOLE).replace("8}", '8,"resolution":1e999}'), "'resolution' is not"),
        (json.dumps(WHOLE | {"bidx": [1, True]}), "'bidx' is not"),
        (json.dumps(WHOLE | {"bands": "rgb"}), "'bands' is not"),
        (json.dumps(WHOLE | {"creation_options": {"LEVEL": 9}}), "'creation_options' is not"),
        (json.dumps(WHOLE | {"creation_options": {"LEVEL": "\x1b[31m"}}), "'creation_options' is not"),
        (json.dumps(WHOLE | {"versions": {"\x9b2J": "1"}}), "'versions' is not"),
        (json.dumps(WHOLE | {"input": "\ud800.tif"}), "'input' is not"),
        (json.dumps(WHOLE | {"drivers": ["VRT"]}), "'drivers' is not"),
        (json.dumps(WHOLE | {"overwrite": True}), "'overwrite' is not"),
    ],
)
def test_a_recipe_of_another_shape_is_refused(text: str, cause: str) -> None:
    with pytest.raises(UsageError, match=cause) as told:
        provenance.read_recipe({"GEOSAL_RECIPE": text})
    assert len(str(told.value)) < 200
    assert provenance.read_recipe({}) is None


def test_a_recipe_is_one_line_of_ascii_whatever_stands_in_it() -> None:
    text = provenance.recipe_text({"saliency": [{"source": "Übersicht\u2028.tif"}]})
    assert text is not None
    assert text.isascii()
    assert text.isprintable()


_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)


@given(_TEXT, _TEXT, st.dictionaries(_TEXT, _TEXT, max_size=2), st.floats(-1e9, 1e9), st.sampled_from("\n\r\t\x85"))
def test_what_is_written_is_read(name: str, where: str, options: dict[str, str], number: float, gap: str) -> None:
    recipe = {"input": name, "creation_options": options, "resolution": number}
    text = provenance.recipe_text({**recipe, "saliency": [{"source": f"{where}{gap}{gap}OR"}]})
    assert text is not None
    told = recipe | {"schema": 1, "saliency": [{"source": f"{where} OR"}]}
    assert provenance.read_recipe({"GEOSAL_RECIPE": text}) == told


@pytest.mark.parametrize("where", ["kind=1" + 70000 * "0", "\x1b[31m", "\udc80"])
def test_what_would_not_be_read_is_not_written(where: str) -> None:
    recipe = {"saliency": [{"source": f"roads.gpkg:where={where}"}]}
    with pytest.warns(GeosalWarning, match="will not tell how it was made"):
        tags = provenance.of_a_job(SMOOTH, Ladder(5, "opencv"), 7.25, "roads", recipe)
    assert "GEOSAL_RECIPE" not in tags
    assert set(provenance.OF_A_JOB) < set(tags)
