import pytest

from geosal.files.addresses import Address, for_gdal, is_remote, joined, url_of


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("s3://b/x.tif", "s3://b/x.tif"),
        ("S3://b/x.tif", "s3://b/x.tif"),
        ("/vsis3/b/a b?#%41.tif", "s3://b/a b?#%41.tif"),
        ("/vsis3_streaming/b/x", "s3://b/x"),
        ("/vsigs/b/x", "gs://b/x"),
        ("/vsiaz/c/x", "az://c/x"),
        ("/vsicurl/https://h/x?q", "https://h/x?q"),
    ],
)
def test_a_url_and_gdals_path_are_the_same(path: str, url: str) -> None:
    assert url_of(path) == url


@pytest.mark.parametrize("path", ["x.tif", "/data/s3/x.tif", "/vsizip/x.zip/y", "ftp://h/x", "s3://", "file:///x", ""])
def test_other_paths_are_not(path: str) -> None:
    assert url_of(path) is None
    assert not is_remote(path)


def test_keys_of_stores_are_taken_as_they_are() -> None:
    place = Address.of("s3://bucket/a b/ü%41?x#1.tif")
    assert place == ("s3", "bucket", "a b/ü%41?x#1.tif", "")
    assert place is not None
    assert place.url == "s3://bucket/a b/ü%41?x#1.tif"
    assert for_gdal(place.url) == "/vsis3/bucket/a b/ü%41?x#1.tif"


def test_keys_of_the_web_are_unescaped_and_escaped_again() -> None:
    place = Address.of("https://u:p@host:8/a%20b/%C3%BC.tif?sig=1%2F2&x")
    assert place == ("https", "u:p@host:8", "a b/ü.tif", "sig=1%2F2&x")
    assert place is not None
    assert place.url == "https://u:p@host:8/a%20b/%C3%BC.tif?sig=1%2F2&x"
    assert for_gdal("https://h/x") == "https://h/x"


def test_a_query_stays_at_the_end() -> None:
    assert joined("https://h/x.zarr/?sig=1", "image/c/0") == "https://h/x.zarr/image/c/0?sig=1"
    assert joined("s3://b/x.zarr", "zarr.json") == "s3://b/x.zarr/zarr.json"
    assert joined("s3://b", "") == "s3://b"
    assert joined("/data/x.zarr", "zarr.json") == "/data/x.zarr/zarr.json"


def test_a_server_of_an_impossible_name_is_none() -> None:
    assert Address.of("http://[::1/a.tif") == ("http", "", "[::1/a.tif", "")
