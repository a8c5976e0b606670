import json
from collections.abc import Callable
from importlib.metadata import version

import rasterio
from click.testing import Result

from geosal.version import __version__


def test_versions_of_all_that_geosal_stands_on(call: Callable[..., Result]) -> None:
    table = call("versions").stdout
    document = json.loads(call("versions", "--json", "-").stdout)
    found = document["installed"]
    assert (found["geosal"], found["gdal"]) == (__version__, rasterio.__gdal_version__)
    assert found["imagecodecs"] == version("imagecodecs") == document["versions"]["imagecodecs"]
    assert found["openjpeg"].startswith("2.")
    for name, told in found.items():
        assert f"{name} " in table
        assert told is None or told in table
