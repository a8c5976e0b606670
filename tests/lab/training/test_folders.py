import os
import shutil
import tarfile
from pathlib import Path

import pytest

from geosal.errors import SceneError, UsageError
from geosal.lab.training.folders import Listing


def test_a_folder_is_listed_by_class_in_natural_order(class_folders: Path):
    listing = Listing.of(str(class_folders))
    assert listing.classes == ("blue", "green", "stripes")
    assert listing.members[:3] == ("blue/blue_1.png", "blue/blue_2.png", "blue/blue_3.png")
    assert listing.members[9:12] == ("blue/blue_10.png", "blue/blue_11.png", "blue/blue_12.png")
    assert listing.labels == (0,) * 12 + (1,) * 12 + (2,) * 12


def test_a_tar_gives_the_same_pictures(class_folders: Path, class_tar: Path):
    folder, tar = Listing.of(str(class_folders)), Listing.of(str(class_tar))
    assert tar.classes == folder.classes
    assert tar.labels == folder.labels
    assert [name.removeprefix("top/") for name in tar.members] == list(folder.members)
    assert dict(tar.read()) == dict(folder.read())


def test_classes_can_be_chosen_and_ordered(class_tar: Path):
    listing = Listing.of(str(class_tar), ["stripes", "blue"])
    assert listing.classes == ("stripes", "blue")
    assert listing.members[0] == "top/stripes/stripes_1.png"
    assert len(listing.labels) == 24


def test_refusals(class_folders: Path, class_tar: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="class 'red': .* has none; it has blue, green, stripes"):
        Listing.of(str(class_folders), ["blue", "red"])
    with pytest.raises(SceneError, match="pictures of 1 classes and learning needs two"):
        Listing.of(str(class_folders), ["blue"])
    with pytest.raises(SceneError, match="no such folder"):
        Listing.of(str(tmp_path / "missing"))
    with pytest.raises(SceneError, match="neither a folder nor a tar"):
        Listing.of(__file__)
    (tmp_path / "a" / "cat").mkdir(parents=True)
    (tmp_path / "b" / "cat").mkdir(parents=True)
    (tmp_path / "a" / "cat" / "1.png").touch()
    (tmp_path / "b" / "cat" / "1.png").touch()
    with pytest.raises(SceneError, match="two folders are named 'cat'"):
        Listing.of(str(tmp_path))
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(class_tar.read_bytes()[:-2000])
    with pytest.raises(SceneError, match=r"cut\.tar\.gz"):
        Listing.of(str(cut))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_odd_things_in_a_folder(class_folders: Path, tmp_path: Path):
    """What cameras and desktops leave is passed over; a pipe is not waited for; a link to nothing is told of."""
    root = tmp_path / "odd"
    shutil.copytree(class_folders, root)
    blue = root / "blue"
    for name in ("Thumbs.db", ".DS_Store", "._blue_1.png", "blue_1.png.txt"):
        (blue / name).write_bytes(b"no picture")
    (blue / "album.png").mkdir()
    (root / "empty").mkdir()
    os.mkfifo(blue / "pipe.png")
    assert Listing.of(str(root)).members == Listing.of(str(class_folders)).members
    (blue / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(SceneError, match=r"gone\.png|nowhere\.png"):
        list(Listing.of(str(root)).read())


def test_a_class_that_cannot_be_written_down(tmp_path: Path):
    for name in (b"sea", b"f\xf6rest"):
        os.mkdir(os.path.join(os.fsencode(tmp_path), name))
        with open(os.path.join(os.fsencode(tmp_path), name, b"1.png"), "wb"):
            pass
    with pytest.raises(SceneError, match="name it otherwise") as caught:
        Listing.of(str(tmp_path))
    str(caught.value).encode()


def test_a_member_twice_counts_once(class_folders: Path, tmp_path: Path):
    path = tmp_path / "twice.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("blue/blue_1.png", "blue/blue_1.png", "green/green_1.png"):
            tar.add(class_folders / name, name)
    listing = Listing.of(str(path))
    assert listing.labels == (0, 1)
    assert sorted(place for place, _ in listing.read()) == [0, 1]
