"""Figures on the disk."""

import shutil
import xml.etree.ElementTree as ET

import pytest
from PIL import Image
from study_tables import make_study, sweep_rows, write_csv

from geosal.errors import GeosalWarning, OutputError, SceneError, UsageError
from geosal.lab.figures import FIGURES, draw

OF_TABLES = [name for name, plot in FIGURES.items() if plot.of == "tables"]


def test_all_figures_of_tables_are_drawn_and_the_same_bytes_come_again(study, tmp_path):
    with (
        pytest.warns(GeosalWarning, match=r"left out: 2, 3, 4: needs a scene: --scene FILE$"),
        pytest.warns(
            GeosalWarning, match=r"left out: 14: needs a scene, .* objects are: --scene FILE --saliency SOURCE"
        ),
    ):
        drawn = draw(str(study), str(tmp_path / "a"))
    assert set(drawn.names) == {"table-1", *OF_TABLES}
    assert set(drawn.left_out) == {"2", "3", "4", "14"}
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(
        ["table-1.md", *(f"figure-{name}{suffix}" for name in OF_TABLES for suffix in (".svg", ".png"))]
    )
    draw(str(study), str(tmp_path / "b"), ["5a", "17"])
    for name in ("figure-5a.svg", "figure-5a.png", "figure-17.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert ET.parse(tmp_path / "a/figure-10.svg").getroot().tag.endswith("svg")
    with Image.open(tmp_path / "a/figure-10.png") as picture:
        assert picture.getpixel((0, 0))[:3] == (255, 255, 255)


def test_what_tables_lack_is_left_out_and_told_or_refused_where_it_was_named(tmp_path, rgb_corner):
    make_study(tmp_path)
    write_csv(tmp_path / "sweep.csv", [row for row in sweep_rows() if row["encoder"] == "png"])
    (tmp_path / "detection.csv").unlink()
    with (
        pytest.warns(GeosalWarning, match=r"left out: 14: .*--saliency SOURCE"),
        pytest.warns(GeosalWarning, match=r"left out: 15, 16, 17: .* has no detection\.csv"),
        pytest.warns(GeosalWarning, match=r"left out: 10, 11, 12: .* has no encoder with several settings"),
    ):
        drawn = draw(str(tmp_path), scene=str(rgb_corner))
    assert set(drawn.left_out) == {"10", "11", "12", "14", "15", "16", "17"}
    with pytest.raises(SceneError, match="has no encoder with several settings, such as bpg or jp2"):
        draw(str(tmp_path), names=["10"], overwrite=True)


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(SceneError, match=r"has no sweep\.csv"):
        draw(str(tmp_path))
    write_csv(tmp_path / "sweep.csv", [row for row in sweep_rows() if row["mask"] == "none"])
    with pytest.raises(SceneError, match="has no rows of images smoothed by a mask"):
        draw(str(tmp_path), names=["9"])


def test_a_figure_that_is_none_or_needs_a_scene_is_refused(study, tmp_path):
    with pytest.raises(UsageError, match="5: no such figure of the paper"):
        draw(str(study), str(tmp_path), ["5"])
    with pytest.raises(UsageError, match="figure 3: shows the three masks, and needs a scene: --scene FILE"):
        draw(str(study), str(tmp_path), ["3"])
    with pytest.raises(UsageError, match="figure 14: .* where objects are: --saliency SOURCE"):
        draw(str(study), str(tmp_path), ["14"], scene="scene.tif")


def test_pictures_need_no_table(tmp_path, rgb_corner):
    drawn = draw(str(tmp_path), names=["3", "4"], scene=str(rgb_corner))
    assert len(drawn.files) == 4


def test_files_are_replaced_only_where_that_is_wished(study, tmp_path):
    draw(str(study), str(tmp_path), "7")
    with pytest.raises(OutputError, match=r"figure-7\.svg: exists; .* use --overwrite"):
        draw(str(study), str(tmp_path), ["7", "9"])
    assert not (tmp_path / "figure-9.svg").exists()
    draw(str(study), str(tmp_path), ["7", "9"], overwrite=True)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file; name a folder"):
        draw(str(study), str(tmp_path / "file"))


def test_the_users_own_matplotlib_settings_change_nothing(study, tmp_path):
    import matplotlib as mpl

    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30}):
        draw(str(study), str(tmp_path / "a"), ["7"])
        assert mpl.rcParams["font.size"] == 30
    draw(str(study), str(tmp_path / "b"), ["7"])
    assert (tmp_path / "a/figure-7.png").read_bytes() == (tmp_path / "b/figure-7.png").read_bytes()
    shutil.rmtree(tmp_path / "a")


def test_names_are_shown_as_they_are_written(tmp_path):
    odd = {"Landsat": "_a|$b", "RarePlanes": "$\\frac$"}
    make_study(tmp_path)
    write_csv(
        tmp_path / "sweep.csv",
        [{**row, "dataset": odd.get(row["dataset"], row["dataset"])} for row in sweep_rows() if row["mask"] != "grid"],
    )
    draw(str(tmp_path), names=["table-1", "10"])
    assert "| _a/$b | 3 |" in (tmp_path / "figures/table-1.md").read_text()
    shown = (tmp_path / "figures/figure-10.svg").read_text()
    assert " _a|$b</text>" in shown
    assert "$\\frac$</text>" in shown
