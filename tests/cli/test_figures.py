"""``geosal figures``."""

import json

from study_tables import make_study


def test_figures_are_drawn_beside_the_tables(call, tmp_path):
    make_study(tmp_path / "study")
    done = call("figures", tmp_path / "study", "--figure", "5a", "--figure", "table-1", "--json", tmp_path / "f.json")
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f"1 figure and Table 1: {tmp_path / 'study/figures'}"
    assert len(json.loads((tmp_path / "f.json").read_text())["files"]) == 3
    again = call("figures", tmp_path / "study", "--figure", "5a")
    assert again.exit_code == 5
    assert "--overwrite" in again.stderr


def test_a_folder_without_tables_is_refused_in_a_line(call, tmp_path):
    done = call("figures", tmp_path)
    assert done.exit_code == 3
    assert "has no sweep.csv; geosal experiment makes it of a recipe of study: sweep" in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())


def test_the_document_is_not_written_over_a_table(call, tmp_path):
    make_study(tmp_path)
    assert call("figures", tmp_path, "--json", tmp_path / "sweep.csv").exit_code == 2
