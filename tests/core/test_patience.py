"""Rasters on a server that fails now and then, and on one that never answers."""

import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError
from servers import Files

from geosal.core import patience
from geosal.core.grid import Block
from geosal.core.shared_raster import close_shared_rasters
from geosal.errors import SceneError
from geosal.scenes.opening import open_input


@pytest.mark.parametrize(("fault", "last"), [("500", 99), ("drop", 99), ("cut", 8)])
def test_trial_25_a_server_that_fails_every_third_time_gives_the_same_pixels(
    web: Files, rgb_scene: Path, fault: str, last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_WAITS", (0.05, 0.05, 0.05))
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.05")
    (web.folder / "scene.tif").write_bytes(rgb_scene.read_bytes())
    web.plan(3, fault, last=last)
    scene = open_input(f"{web.url}/scene.tif?{fault}")
    with rasterio.open(rgb_scene) as dataset:
        assert np.array_equal(scene.read(Block(100, 200, 300, 300)).pixels, dataset.read()[:, 100:400, 200:500])
    close_shared_rasters()
    assert len(web.requests) >= 3


def test_trial_25_a_dead_server_ends_it_soon_and_without_secrets() -> None:
    began = time.monotonic()
    with pytest.raises(SceneError, match="cannot be opened") as caught:
        open_input("http://user:CANARY@127.0.0.1:9/x.tif?X-Amz-Signature=CANARY")
    assert time.monotonic() - began < 20
    assert "CANARY" not in str(caught.value)


def test_what_is_final_or_local_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waits"))

    def fail() -> None:
        raise RasterioIOError("HTTP response code: 404")

    for path in ("https://127.0.0.1:9/x.tif", "/data/x.tif"):
        with pytest.raises(RasterioIOError):
            patience.patiently(path, fail)


@pytest.mark.parametrize(
    ("cause", "tries"),
    [
        ("Recv failure: Connection reset by peer", 4),
        ("HTTP response code: 429", 4),
        ("HTTP response code: 403", 1),
        ("Failed to connect to 127.0.0.1 port 9: Connection refused", 1),
        ("Could not connect to server", 1),
        ("Couldn't connect to server", 1),
    ],
)
def test_what_may_pass_is_tried_again(monkeypatch: pytest.MonkeyPatch, cause: str, tries: int) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(patience, "_forget", lambda _: None)
    calls = []

    def fail() -> None:
        calls.append(cause)
        raise RasterioIOError(cause)

    with pytest.raises(RasterioIOError):
        patience.patiently("https://127.0.0.1:9/x.tif", fail)
    assert len(calls) == tries
