"""The names in a folder."""

from geosal.lab.datasets.tree import Tree


def test_hidden_names_are_left_out_and_links_are_followed_once(tmp_path):
    (tmp_path / "data/a/b").mkdir(parents=True)
    (tmp_path / "data/a/b/one.tif").touch()
    (tmp_path / "data/a/.hidden.tif").touch()
    (tmp_path / "data/.git").mkdir()
    (tmp_path / "data/.git/two.tif").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/three.tif").touch()
    (tmp_path / "data/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/a/b/round").symlink_to(tmp_path / "data")
    tree = Tree.of(str(tmp_path / "data"), 12)
    assert tree.files == ("a/b/one.tif", "link/three.tif")
    assert set(tree.folders) == {"a", "a/b", "a/b/round", "link"}


def test_depth_limits_how_far_it_looks(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    for name in ("0.tif", "a/1.tif", "a/b/2.tif"):
        (tmp_path / name).touch()
    assert [len(Tree.of(str(tmp_path), depth).files) for depth in (1, 2, 3)] == [1, 2, 3]
