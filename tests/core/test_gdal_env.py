import pytest
from rasterio.env import getenv

from geosal import UsageError
from geosal.core.gdal_env import GDAL_CACHE_BYTES, allowed_drivers, gdal_env, with_options


def test_what_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    with gdal_env():
        assert getenv()["GDAL_CACHEMAX"] == GDAL_CACHE_BYTES
    monkeypatch.setenv("GDAL_CACHEMAX", "64")
    with gdal_env():
        assert "GDAL_CACHEMAX" not in getenv() or getenv()["GDAL_CACHEMAX"] != GDAL_CACHE_BYTES


def test_drivers_that_follow_links_need_the_users_word() -> None:
    assert {"GTiff", "JP2OpenJPEG", "PNG"} <= set(allowed_drivers())
    assert not {"VRT", "WMS", "MRF", "HTTP", "MEM"} & set(allowed_drivers())
    assert "VRT" in allowed_drivers(("vrt",))
    with pytest.raises(UsageError, match="did you mean ISIS3"):
        allowed_drivers(("ISIS",))


def test_a_profile_of_amazon_that_is_not_there_hinders_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with gdal_env(), with_options(GDAL_PAM_ENABLED=False):
        assert allowed_drivers()
