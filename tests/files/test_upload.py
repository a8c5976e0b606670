"""Outputs on an object store: whole under their names or not at all, whatever fails on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geosal.errors import OutputError
from geosal.files import objects, upload
from geosal.files.publish import WorkDirectory, check_output

pytest.importorskip("obstore")
pytest.importorskip("boto3")


@pytest.fixture
def client(s3: str) -> Any:
    """Another program that sees the bucket."""
    import boto3

    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


@pytest.fixture
def look(s3: str, client: Any) -> Callable[[], dict[str, int]]:
    """Names and sizes of what is in the folder of the test; no upload may be open there."""

    def look() -> dict[str, int]:
        prefix = s3.partition("bucket/")[2] + "/"
        uploads = client.list_multipart_uploads(Bucket="bucket").get("Uploads") or []
        assert not [each for each in uploads if each["Key"].startswith(prefix)]
        found = client.list_objects_v2(Bucket="bucket", Prefix=prefix).get("Contents", [])
        return {each["Key"].removeprefix(prefix): each["Size"] for each in found}

    return look


def _publish(url: str, content: bytes = b"new", beside: tuple[str, ...] = (), *, overwrite: bool = False) -> None:
    with WorkDirectory(url, overwrite=overwrite) as work:
        main = work.path(work.output.name)
        main.write_bytes(content)
        for suffix in beside:
            main.with_name(main.name + suffix).write_bytes(suffix.encode())
        work.publish(main)


def _publish_store(url: str, chunks: int = 3, *, overwrite: bool = False) -> None:
    with WorkDirectory(url, overwrite=overwrite) as work:
        main = work.path(work.output.name)
        (main / "image").mkdir(parents=True)
        for number in range(chunks):
            (main / "image" / str(number)).write_bytes(bytes(10))
        (main / "image/zarr.json").write_text("{}")
        (main / "zarr.json").write_text(json.dumps({"attributes": {"gdal_metadata": {}}}))
        work.publish(main)


def _fail_at(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException) -> list[str]:
    """Let the upload of an object fail; return the names that went up before."""
    whole, before = objects.put_file, []

    def put_file(file: Path, path: str, **options: Any) -> None:
        if path.endswith(name):
            raise error
        before.append(path.rpartition("/")[2])
        whole(file, path, **options)

    monkeypatch.setattr(objects, "put_file", put_file)
    return before


def test_sidecars_go_up_first_and_nothing_stays_here(s3: str, look: Callable[[], dict[str, int]]) -> None:
    _publish(f"{s3}/a b/ü%41?x#1.tif", beside=(".aux.xml", ".msk"))
    assert look() == {"a b/ü%41?x#1.tif": 3, "a b/ü%41?x#1.tif.aux.xml": 8, "a b/ü%41?x#1.tif.msk": 4}
    assert not upload.staging(f"{s3}/a b/ü%41?x#1.tif").parent.exists()


def test_a_large_file_goes_up_in_parts(
    s3: str, client: Any, look: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "_AT_ONCE", 1000)
    content = os.urandom(17 * 2**20)
    _publish(f"{s3}/x.tif", content)
    key = f"{s3}/x.tif".partition("bucket/")[2]
    assert client.get_object(Bucket="bucket", Key=key)["Body"].read() == content
    assert client.head_object(Bucket="bucket", Key=key)["ETag"].strip('"').endswith("-3")
    with pytest.raises(OutputError, match="another program has made it"):
        _publish(f"{s3}/x.tif", content)
    assert look() == {"x.tif": len(content)}


@pytest.mark.parametrize("error", [OSError(5, "the connection breaks off"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["x.tif", "x.tif.msk"])
def test_trial_25_what_fails_leaves_nothing(
    s3: str, look: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch, error: BaseException, name: str
) -> None:
    _fail_at(monkeypatch, name, error)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        _publish(f"{s3}/x.tif", beside=(".aux.xml", ".msk"))
    assert look() == {}


def test_trial_25_what_fails_in_the_third_part_leaves_no_part(
    s3: str, look: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "_AT_ONCE", 1000)
    monkeypatch.setattr(objects, "_refuse_taken", _fail_the_second_time())
    with pytest.raises(OutputError, match="breaks off"):
        _publish(f"{s3}/x.tif", bytes(17 * 2**20))
    assert look() == {}


def _fail_the_second_time() -> Callable[[str], None]:
    calls: list[str] = []

    def fail(path: str) -> None:
        calls.append(path)
        if len(calls) == 2:  # all parts are there, and the upload is not completed
            raise OSError(5, "the connection breaks off")

    return fail


def test_a_failed_replacement_gives_the_old_sidecars_back(
    s3: str, look: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(f"{s3}/x.tif", b"old!", beside=(".aux.xml", ".ovr"))
    objects.put(f"{s3}/x.tif.aux.xml", b"of another program")
    before = look()
    with monkeypatch.context() as patch:
        _fail_at(patch, "x.tif", OSError(5, "the connection breaks off"))
        with pytest.raises(OutputError, match="breaks off"):
            _publish(f"{s3}/x.tif", beside=(".aux.xml", ".msk"), overwrite=True)
    assert look() == before
    assert objects.read(f"{s3}/x.tif.aux.xml", 100) == b"of another program"
    _publish(f"{s3}/x.tif", beside=(".msk",), overwrite=True)
    assert look() == {"x.tif": 3, "x.tif.msk": 4}


def test_of_two_that_write_a_new_name_one_wins(s3: str, look: Callable[[], dict[str, int]]) -> None:
    with WorkDirectory(f"{s3}/x.tif") as work:
        main = work.path("x.tif")
        main.write_bytes(b"mine")
        objects.put(f"{s3}/x.tif", b"of the other")
        with pytest.raises(OutputError, match="another program has made it meanwhile"):
            work.publish(main)
    assert look() == {"x.tif": 12}


def test_of_two_that_write_a_new_store_one_wins(
    s3: str, look: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other neither writes over its chunks nor takes them away."""
    objects.put(f"{s3}/x.zarr/image/zarr.json", b"of the other, which has not written its root yet")
    objects.put(f"{s3}/x.zarr/image/1", b"its chunk")
    before = look()
    monkeypatch.setattr(objects, "names_below", lambda *_: iter(()))  # it has begun after we had looked
    with pytest.raises(OutputError, match="another program has made it"):
        _publish_store(f"{s3}/x.zarr")
    assert look() == before
    assert objects.read(f"{s3}/x.zarr/image/1", 100) == b"its chunk"


def test_a_file_that_arrived_stays_where_nobody_tells_its_size(
    s3: str, look: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old sidecars beside a new file would be worse."""
    _publish(f"{s3}/x.tif", b"old!", beside=(".msk",))

    def state(path: str, *, anew: bool = False) -> objects.State | None:
        if path.endswith("x.tif") and objects.read(path, 100) == b"new":
            raise OSError(5, "the connection breaks off")
        return known(path, anew=anew)

    known = objects.state
    monkeypatch.setattr(objects, "state", state)
    _publish(f"{s3}/x.tif", beside=(".aux.xml",), overwrite=True)
    assert look() == {"x.tif": 3, "x.tif.aux.xml": 8}


def test_the_root_of_a_store_goes_up_last(
    s3: str, look: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        before = _fail_at(patch, "x.zarr/zarr.json", OSError(5, "the connection breaks off"))
        with pytest.raises(OutputError, match="breaks off"):
            _publish_store(f"{s3}/x.zarr")
        assert sorted(before) == ["0", "1", "2", "zarr.json"]
    assert look() == {}
    _publish_store(f"{s3}/x.zarr", 5)
    _publish_store(f"{s3}/x.zarr", 2, overwrite=True)
    assert sorted(look()) == ["x.zarr/image/0", "x.zarr/image/1", "x.zarr/image/zarr.json", "x.zarr/zarr.json"]
    with pytest.raises(OutputError, match="another program"):
        _publish_store(f"{s3}/x.zarr", 2)
    _fail_at(monkeypatch, "image/1", OSError(5, "the connection breaks off"))
    with pytest.raises(OutputError, match="breaks off"):
        _publish_store(f"{s3}/x.zarr", 2, overwrite=True)
    assert look() == {}  # as the documents say


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("https://host/x.tif", "s3://, gs:// and az:// only"),
        ("ftp://host/x.tif", "s3://, gs:// and az:// only"),
        ("s3://bucket", "names no object"),
        ("s3://bucket/folder/", "names no object"),
        ("s3://bucket/a//x.tif", "empty parts"),
        ("s3://bucket/../x.tif", "dots alone"),
        ("s3://bucket/" + "x" * 1000 + ".tif", "bytes"),
        ("s3://elsewhere/x.tif", "no such bucket"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_bad_names_are_refused_before_any_work(output: str, said: str) -> None:
    with pytest.raises(OutputError, match=said):
        check_output(output, overwrite=False, inputs=[])


def test_taken_names_and_inputs_are_refused_before_any_work(s3: str) -> None:
    objects.put(f"{s3}/x.tif", b"1")
    objects.put(f"{s3}/y.tif.msk", b"1")
    objects.put(f"{s3}/z.zarr/notes.txt", b"1")
    for name, overwrite, said in (
        ("x.tif", False, "exists already"),
        ("y.tif", False, "y.tif.msk: lies there without its raster"),
        ("z.zarr", False, "exists already"),
        ("z.zarr", True, "holds notes.txt, which geosal has not made"),
    ):
        with pytest.raises(OutputError, match=said):
            check_output(f"{s3}/{name}", overwrite=overwrite, inputs=[])
    for given in (f"{s3}/x.tif", f"/vsis3/{s3[5:]}/x.tif"):
        with pytest.raises(OutputError, match="also an input"):
            check_output(f"{s3}/x.tif", overwrite=True, inputs=[given])
    check_output(f"{s3}/x.tif", overwrite=True, inputs=[f"{s3}/other.tif"])


def test_a_dead_store_is_told_before_any_work(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(OutputError, match="no server answers there") as caught:
        check_output(f"{s3}/x.tif", overwrite=False, inputs=[])
    assert "CANARY" not in str(caught.value)


def test_a_folder_that_others_may_write_is_not_used(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = upload.staging(f"{s3}/x.tif").parent
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(OutputError, match="others may write there"):
        _publish(f"{s3}/x.tif")


def test_a_job_that_is_interrupted_while_it_uploads_leaves_nothing(
    s3: str, look: Callable[[], dict[str, int]], tmp_path: Path
) -> None:
    script = (
        "import sys, geosal.files.upload as u, geosal.files.objects as o, geosal.files.publish as p\n"
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "u._AT_ONCE = 1\n"
        "def wait(path, calls=[]):\n"
        "    calls.append(path)\n"
        "    if len(calls) == 2: print('now', flush=True); time.sleep(30)\n"
        "o._refuse_taken = wait\n"
        "with p.WorkDirectory(sys.argv[1]) as work:\n"
        "    main = work.path('x.tif'); main.write_bytes(bytes(10 * 2**20)); work.publish(main)\n"
    )
    command = [sys.executable, "-c", script, f"{s3}/x.tif"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    assert time.monotonic() - began < 5
    assert look() == {}
