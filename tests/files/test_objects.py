"""Objects of an S3 and of a server of files, of which some are not there, and some break off."""

import time

import pytest
from servers import Files

from geosal.files import objects
from geosal.files.client import store_of

obstore = pytest.importorskip("obstore")
_ODD = "a b/ü%41?x#1.json"


def _put(url: str, content: bytes) -> None:
    store, key = store_of(url)
    obstore.put(store, key, content)


def test_an_object_is_read_whole_and_in_part(s3: str) -> None:
    _put(f"{s3}/{_ODD}", b"0123456789")
    assert objects.read(f"{s3}/{_ODD}", 10) == b"0123456789"
    assert objects.read_at(f"/vsis3/{s3[5:]}/{_ODD}", 3, 4) == b"3456"
    assert objects.read_at(f"{s3}/{_ODD}", 3, 0) == b""
    with pytest.raises(OSError, match="more than 9 bytes"):
        objects.read(f"{s3}/{_ODD}", 9)
    with pytest.raises(OSError, match="cut off"):
        objects.read_at(f"{s3}/{_ODD}", 8, 4)


def test_the_state_changes_with_the_content(s3: str) -> None:
    assert objects.state(f"{s3}/x") is None
    for content in (b"", b"1", b"2"):
        _put(f"{s3}/x", content)
        objects.forget()
        before = objects.state(f"{s3}/x")
        assert before is not None
        assert before.size == len(content)
    _put(f"{s3}/x", b"3")
    assert objects.state(f"{s3}/x") == before  # known for some seconds
    assert objects.state(f"{s3}/x", anew=True) != before


def test_folders_are_listed(s3: str) -> None:
    for name in ("f/a.json", "f/deep/b.json", "f2/c.json"):
        _put(f"{s3}/{name}", b"{}")
    assert sorted(objects.names_below(f"{s3}/f", 10)) == ["a.json", "deep/b.json"]
    assert len(list(objects.names_below(s3, 2))) == 2
    assert objects.folders_in(s3) == ["f", "f2"]


def test_a_file_in_an_archive_is_read_where_it_is(s3: str) -> None:
    _put(f"{s3}/x", bytes(range(256)))
    with objects.opened(f"{s3}/x") as file:
        file.seek(-4, 2)
        assert file.read() == bytes(range(252, 256))
        file.seek(7)
        assert file.read(2) == b"\7\b"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("s3://bucket/none", "NoSuchKey"),
        ("s3://elsewhere/x", "no such bucket"),
        ("s3://bucket/a//b", "empty parts"),
        ("s3://bucket/../b", "dots"),
        ("s3:///b", "no address"),
        ("s3://bucket", "refused|says|no such|bytes"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_what_is_not_there_is_told_in_few_words(path: str, said: str) -> None:
    with pytest.raises(OSError, match=said) as caught:
        objects.read(path, 1)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("fault", ["500", "503", "drop", "cut"])
def test_a_server_that_fails_every_third_time_is_asked_again(web: Files, fault: str) -> None:
    content = bytes(range(256)) * 400
    (web.folder / "x").write_bytes(content)
    web.plan(3, fault)
    for _ in range(4):
        assert objects.read(f"{web.url}/x", 10**6) == content
        assert objects.read_at(f"{web.url}/x", 1000, 50_000) == content[1000:51_000]
    assert len(web.requests) > 8


def test_a_dead_server_is_told_soon_and_without_secrets() -> None:
    began = time.monotonic()
    with pytest.raises(OSError, match="no server answers there, after 5 retries") as caught:
        objects.read("http://user:CANARY@127.0.0.1:9/x?X-Amz-Signature=CANARY", 1)
    assert time.monotonic() - began < 20
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None  # which would be printed with its address


def test_signed_urls_keep_their_signature(web: Files) -> None:
    (web.folder / "ü x.json").write_bytes(b"{}")
    assert objects.read(f"{web.url}/%C3%BC%20x.json?sig=a%2Fb&x=1", 10) == b"{}"
    assert web.requests[0][1].endswith("/%C3%BC%20x.json?sig=a%2Fb&x=1")
