from pathlib import Path

import pytest

from geosal.errors import SceneError
from geosal.files import objects
from geosal.files.copies import on_disk

pytest.importorskip("obstore")


def test_what_belongs_together_is_copied_together(s3: str) -> None:
    for suffix in (".shp", ".dbf"):
        objects.put(f"{s3}/ships{suffix}", suffix.encode())
    with on_disk(f"{s3}/ships.shp") as local:
        assert Path(local).read_bytes() == b".shp"
        assert Path(local.replace(".shp", ".dbf")).read_bytes() == b".dbf"
    objects.put(f"{s3}/ships.shp", b"new")
    with on_disk(f"{s3}/ships.shp") as again:
        assert again == local
    with on_disk(f"{s3}/ships.shp", anew=True) as fresh:
        assert Path(fresh).read_bytes() == b"new"
    with pytest.raises(SceneError, match=f"{s3}/ships.shp: no") as caught, on_disk(f"{s3}/ships.shp") as local:
        raise SceneError(f"{local}: no")
    assert local not in str(caught.value)
    with on_disk("/data/x.shp") as local:
        assert local == "/data/x.shp"
