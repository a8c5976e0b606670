"""Products on servers: folders of an object store, archives, and folders of which a server lists nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from eopf import make_eopf
from products import make_l2a, make_landsat_l2
from servers import Files

from geosal.core.grid import Block
from geosal.core.shared_raster import close_shared_rasters
from geosal.errors import SceneError
from geosal.files import objects
from geosal.scenes.products import is_product, open_product

pytest.importorskip("obstore")
BLOCK = Block(1, 2, 9, 8)


@pytest.fixture(scope="module")
def l2a(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_l2a(tmp_path_factory.mktemp("l2a"))


def _is_the_same(there: str, here: Path, bands: tuple[str, ...]) -> None:
    assert is_product(there)
    ours, theirs = open_product(there, bands), open_product(here, bands)
    assert ours.layout.metadata.tags == theirs.layout.metadata.tags
    assert np.array_equal(ours.read(BLOCK).pixels, theirs.read(BLOCK).pixels)
    close_shared_rasters()


def test_a_folder_of_an_object_store(s3: str, l2a: Path) -> None:
    for path in l2a.rglob("*"):
        if path.is_file():
            objects.put(f"{s3}/{path.relative_to(l2a.parent).as_posix()}", path.read_bytes())
    _is_the_same(f"{s3}/{l2a.name}", l2a, ("B04", "B03"))
    _is_the_same(f"{s3}/{l2a.name}/MTD_MSIL2A.xml", l2a, ("B04",))


def test_a_zip_is_read_where_it_lies(web: Files, l2a: Path) -> None:
    shutil.make_archive(str(web.folder / l2a.stem), "zip", l2a.parent, l2a.name)
    _is_the_same(f"{web.url}/{l2a.stem}.zip", l2a, ("B04", "B11"))


def test_a_folder_that_no_server_lists_has_its_manifest(web: Files, l2a: Path) -> None:
    shutil.copytree(l2a, web.folder / l2a.name)
    names = [path.relative_to(l2a).as_posix() for path in l2a.rglob("*") if path.is_file()]
    manifest = "".join(f'<fileLocation locatorType="URL" href="./{name}"/>' for name in names)
    (web.folder / l2a.name / "manifest.safe").write_text(f"<xfdu>{manifest}</xfdu>")
    web.plan(3, "500", "drop")
    _is_the_same(f"{web.url}/{l2a.name}", l2a, ("B04",))


def test_an_eopf_product_needs_no_listing_where_its_root_tells_of_all(web: Files, l2a: Path) -> None:
    here = make_eopf(web.folder / f"{l2a.stem}.zarr", l2a)
    zarr.consolidate_metadata(str(here))
    web.plan()
    _is_the_same(f"{web.url}/{here.name}?sig=1", here, ("B04", "B11"))
    assert {method for method, *_ in web.requests} <= {"GET", "HEAD"}


def test_a_landsat_product_is_named_by_its_metadata_file(web: Files, tmp_path: Path) -> None:
    folder = make_landsat_l2(tmp_path / "landsat")
    shutil.copytree(folder, web.folder / "x")
    mtl = next(path.name for path in sorted(folder.iterdir()) if "_MTL." in path.name)
    _is_the_same(f"{web.url}/x/{mtl}", folder, ())


def test_a_landsat_folder_of_an_object_store(s3: str, tmp_path: Path) -> None:
    """Its name tells: no object has to be looked at."""
    folder = make_landsat_l2(tmp_path)
    for path in folder.iterdir():
        objects.put(f"{s3}/{folder.name}/{path.name}", path.read_bytes())
    _is_the_same(f"{s3}/{folder.name}/", folder, ("SR_B4",))
    assert not is_product(f"{s3}/LC08_tiles")


def test_what_is_not_there_is_told_without_secrets(web: Files) -> None:
    url = f"{web.url}/S2B_MSIL2A_20240101T000000_N0510_R000_T32TMT_20240101T000000.SAFE?sig=CANARY"
    with pytest.raises(SceneError, match="cannot be listed") as caught:
        open_product(url)
    assert "CANARY" not in str(caught.value)
    assert not is_product(f"{web.url}/scene.tif")
    assert not is_product(f"{web.url}/archive.zip")
