import json

import pytest

from geosal.sources.table import FILES, SOURCES


def test_all_sources_are_listed_with_how_they_are_written(call):
    done = call("sources")
    assert done.exit_code == 0, done.output
    for line in ("uniform:saliency=S", "perlin:seed=0,octaves=3,cells=8", "detail:low=", "spectral:index="):
        assert f"    {line}" in done.output
    assert all(name in done.output for name in SOURCES)
    places = [done.output.index(name) for name in ("PATH (vector)", "clouds", "detail", "perlin")]
    assert places == sorted(places)  # what most want comes first, patterns to try things last
    assert "--combine weighted" in done.output
    assert max(len(line) for line in done.output.splitlines()) <= 120


def test_no_marks_of_docstrings_are_shown(call):
    names = json.loads(call("sources", "--json", "-").output)["sources"]
    kinds = [entry["file"] or entry["names"][0] for entry in names if entry["origin"] == "geosal"]
    done = call("sources", *kinds)
    assert "Also layer=, where= (SQL)" in " ".join(done.output.split())
    assert "`" not in done.output


def test_one_source_is_told_whole(call):
    done = call("sources", "detail")
    assert done.exit_code == 0, done.output
    assert "Woodcock" in done.output
    assert "Attributes" not in done.output
    assert "perlin" not in done.output


def test_the_document_holds_every_name_and_reader_of_files(call):
    entries = json.loads(call("sources", "--json", "-").output)["sources"]
    assert {name for entry in entries if entry["file"] is None for name in entry["names"]} >= set(SOURCES)
    assert {entry["file"] for entry in entries} == {None, *FILES}
    detail = next(entry for entry in entries if entry["names"] == ["detail"])
    assert detail["parameters"] == ["low", "high", "scales", "of", "bands", "weight"]
    assert detail["origin"] == "geosal"
    assert not [entry for entry in entries if entry["problem"]]


@pytest.mark.parametrize("name", sorted(FILES))
def test_what_reads_files_is_asked_for_by_its_kind(call, name):
    done = call("sources", name)
    assert done.exit_code == 0
    assert done.output.startswith(f"PATH ({name})")  # so that the list tells by what name to ask


def test_an_unknown_name_is_a_usage_error_with_those_there_are(call):
    done = call("sources", "detale")
    assert done.exit_code == 2
    assert "no source detale; did you mean detail? there are classes, clouds, cnn, detail" in done.output
