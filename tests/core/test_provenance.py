"""What our files say of how they were made is read as it was written."""

import pytest

from geosal import Ladder, __version__
from geosal.core import provenance
from geosal.core.treatment import SMOOTH, Treatment


@pytest.mark.parametrize("texts", [("smooth",), ("smooth", "bound:error=4.5"), ("quality:low=30,high=80",)])
def test_what_a_job_writes_is_read_again(texts: tuple[str, ...]) -> None:
    treatment, ladder = Treatment.parse(texts), Ladder(5, "0.2*K")
    tags = provenance.of_a_job(treatment, ladder, 7.25, "half; perlin")
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
