"""Files and wishes that came by mail, through the whole command: refused in time, in a line, with nothing left or told.

Parts of the same trials stand beside their readers; `fuzz.py` tries thousands of others.
"""

import json
import resource
import shutil
import socket
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result
from products import make_l1c
from rasters import PLACE, save
from servers import Files, serving

from geosal.cli.main import geosal as group
from geosal.formats.cog.container import CogContainer

GIB = 2**30


def call(*words: object) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words], prog_name="geosal")


def refused(result: Result, *codes: int) -> str:
    """The line that a refused command prints."""
    assert result.exit_code in codes, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("geosal: error: ")]
    assert len(lines) == 1
    assert "Traceback" not in result.stderr
    assert "unexpected" not in result.stderr
    return lines[0]


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(3).integers(1, 250, (1, 600, 600)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for outputs."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


# Trials 10 to 12: damaged scenes


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_trial_10_a_cut_geotiff_makes_no_output(noise: np.ndarray, tmp_path: Path, folder: Path, share: float) -> None:
    scene = save(tmp_path / "cut.tif", noise, tiled=True, blockxsize=256, blockysize=256, compress="deflate", **PLACE)
    scene.write_bytes(scene.read_bytes()[: int(scene.stat().st_size * share)])
    assert "cut.tif" in refused(call("compress", scene, folder / "a.tif", "-s", "half"), 3)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("share", [0.3, 0.999])
def test_trial_11_a_cut_jpeg2000_makes_no_output(noise: np.ndarray, tmp_path: Path, folder: Path, share: float) -> None:
    options = {"reversible": "YES", "quality": "100", "blockxsize": 256, "blockysize": 256}
    scene = save(tmp_path / "cut.jp2", noise, "JP2OpenJPEG", **options, **PLACE)
    scene.write_bytes(scene.read_bytes()[: int(scene.stat().st_size * share)])
    assert "cut.jp2" in refused(call("compress", scene, folder / "a.tif", "-s", "half"), 3)
    assert not list(folder.iterdir())


def test_trial_12_a_damaged_tile_is_named(noise: np.ndarray, tmp_path: Path, folder: Path) -> None:
    scene = save(tmp_path / "bad.tif", noise, tiled=True, blockxsize=256, blockysize=256, compress="deflate", **PLACE)
    with rasterio.open(scene) as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_1_0", "TIFF", bidx=1))
    content = bytearray(scene.read_bytes())
    content[offset : offset + 64] = bytes(64)
    scene.write_bytes(content)
    told = refused(call("compress", scene, folder / "a.tif", "-s", "half"), 3)
    assert "bad.tif" in told
    assert not list(folder.iterdir())


# Trial 17: masks


@pytest.mark.parametrize(
    ("values", "code"), [(np.float32(300), 4), (np.float32(-0.5), 4), (np.uint16(300), 4), (np.float32(0.5), 0)]
)
def test_trial_17_masks_that_say_nothing_sensible(tmp_path: Path, folder: Path, values: np.generic, code: int) -> None:
    scene = save(tmp_path / "scene.tif", np.full((1, 64, 64), 9, np.uint8), **PLACE)
    mask = save(tmp_path / "mask.tif", np.full((1, 64, 64), values), **PLACE)
    result = call("compress", scene, folder / "a.tif", "-s", mask)
    assert result.exit_code == code, result.output
    assert "mask.tif" in result.stderr
    assert bool(list(folder.iterdir())) == (code == 0)


def test_trial_17_a_mask_of_nodata_alone(tmp_path: Path, folder: Path) -> None:
    scene = save(tmp_path / "scene.tif", np.full((1, 64, 64), 9, np.uint8), **PLACE)
    mask = save(tmp_path / "mask.tif", np.zeros((1, 64, 64), np.uint8), nodata=0, **PLACE)
    assert "mask.tif" in refused(call("compress", scene, folder / "a.tif", "-s", mask), 4)
    assert not list(folder.iterdir())


# Trial 19: bombs of tiles and of archives


def _tile_bomb(path: Path, side: int) -> Path:
    """A GeoTIFF of one pixel in a tile of `side` x `side`, whose bytes are not there."""
    tags = [(256, 1), (257, 1), (258, 8), (259, 8), (262, 1), (277, 1), (322, side), (323, side), (324, 400), (325, 9)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    path.write_bytes(struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(600))
    return path


def test_trial_19_a_tile_bomb_under_two_gib(tmp_path: Path, folder: Path) -> None:
    scene = _tile_bomb(tmp_path / "bomb.tif", 2**15)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 * GIB, 2 * GIB))

    command = [sys.executable, "-P", "-m", "geosal", "compress", str(scene), str(folder / "a.tif"), "-s", "half"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode in {3, 7}, done.stderr
    assert "bomb.tif" in done.stderr.splitlines()[-1]
    assert not list(folder.iterdir())


def test_trial_19_a_zip_bomb_is_metadata_of_no_product(tmp_path: Path, folder: Path) -> None:
    safe = make_l1c(tmp_path)
    bomb = tmp_path / f"{safe.name}.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(safe.rglob("*")):
            if path.is_file() and path.name != "MTD_MSIL1C.xml":
                bundle.write(path, f"{safe.name}/{path.relative_to(safe)}")
        bundle.writestr(f"{safe.name}/MTD_MSIL1C.xml", b"<a>" + bytes(64 * 2**20))
    assert "is no metadata" in refused(call("compress", bomb, folder / "a.tif", "-s", "half", "--bands", "B04"), 3)
    assert not list(folder.iterdir())


# Trial 21: files that lead elsewhere


@contextmanager
def canary() -> Iterator[tuple[int, Callable[[], int]]]:
    """A port of the loopback, and how many have called it."""
    calls = 0
    with socket.create_server(("127.0.0.1", 0)) as server:

        def wait() -> None:
            nonlocal calls
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return
                calls += 1

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        yield server.getsockname()[1], lambda: calls
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


_SOURCE = "<SimpleSource><SourceFilename relativeToVRT='0'>{}</SourceFilename></SimpleSource>"
_VRT = (
    "<VRTDataset rasterXSize='64' rasterYSize='64'><VRTRasterBand dataType='Byte' band='1'>"
    f"{_SOURCE}</VRTRasterBand></VRTDataset>"
)
_WMS = "<GDAL_WMS><Service name='TMS'><ServerUrl>{}</ServerUrl></Service><BandsCount>1</BandsCount></GDAL_WMS>"
_MRF = "<MRF_META><CachedSource><Source>{}</Source></CachedSource><Raster><Size x='64' y='64'/></Raster></MRF_META>"


@pytest.mark.parametrize("document", [_VRT, _WMS, _MRF], ids=["VRT", "WMS", "MRF"])
@pytest.mark.parametrize("name", ["a.vrt", "a.tif", "a.jp2"])
def test_trial_21_what_leads_elsewhere_is_not_followed(tmp_path: Path, folder: Path, document: str, name: str) -> None:
    plain = save(tmp_path / "plain.tif", np.full((1, 64, 64), 9, np.uint8), **PLACE)
    with canary() as (port, calls):
        for target in ("/etc/passwd", f"http://127.0.0.1:{port}/x.tif", f"/vsicurl/http://127.0.0.1:{port}/x.tif"):
            (tmp_path / name).write_text(document.format(target))
            refused(call("compress", tmp_path / name, folder / "out.tif", "-s", "half"), 3)
            refused(call("compress", plain, folder / "out.tif", "-s", tmp_path / name), 3, 4)
            shutil.copy(tmp_path / name, f"{plain}.msk")
            refused(call("compress", plain, folder / "out.tif", "-s", "half"), 3)
            Path(f"{plain}.msk").unlink()
        assert calls() == 0
    assert not list(folder.iterdir())


# Trial 22: secrets


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    """A server of a scene and a mask."""
    place = tmp_path_factory.mktemp("web")
    save(place / "scene.tif", np.random.default_rng(1).integers(9, 99, (3, 128, 128)).astype(np.uint8), **PLACE)
    save(place / "mask.tif", np.eye(128, dtype=np.uint8)[None] * 255, **PLACE)
    with serving(place) as files:
        yield files


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCESS_KEY", "GS_SECRET_ACCESS_KEY")
    for name in names:
        monkeypatch.setenv(name, "CANARY")


def _with_secrets(web: Files, name: str) -> str:
    return f"{web.url.replace('//', '//user:CANARY@')}/{name}?X-Amz-Signature=CANARY&sig=CANARY"


def _files_that_tell(folder: Path, *texts: str) -> list[str]:
    found = [f"output {number}" for number, text in enumerate(texts) if "CANARY" in text]
    files = (path for path in folder.rglob("*") if path.is_file())
    return found + [str(path.relative_to(folder)) for path in files if b"CANARY" in path.read_bytes()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("output", ["a.tif", "a.jp2", "a.zarr", "a.jpg"])
def test_trial_22_no_secret_is_told_by_a_job_and_its_outputs(web: Files, folder: Path, output: str) -> None:
    scene, mask = (_with_secrets(web, name) for name in ("scene.tif", "mask.tif"))
    seal = [] if output.endswith("jpg") else ["--seal", "--treatment", "smooth"]
    item = ["--stac", "--datetime", "2024-05-01", *seal]
    done = call("compress", scene, folder / output, "-s", mask, "-vvv", "--json", folder / "job.json", *item)
    assert done.exit_code == 0, done.output
    shown = call("info", folder / output, "--json", "-")
    checked = call("verify", folder / output, "--against", scene, "-s", mask, "-vvv", "--json", "-")
    assert json.loads(shown.stdout)
    texts = (done.output, shown.output, checked.output)
    assert _files_that_tell(folder, *texts) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("secrets")
def test_trial_22_no_secret_is_told_by_a_report(web: Files, folder: Path) -> None:
    scene, mask = (_with_secrets(web, name) for name in ("scene.tif", "mask.tif"))
    assert call("compress", scene, folder / "a.tif", "-s", mask).exit_code == 0
    done = call("report", scene, folder / "a.tif", "-o", folder / "a.html", "-vvv")
    assert _files_that_tell(folder, done.output) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("secrets")
def test_trial_22_no_secret_is_told_by_failures_and_journals(web: Files, folder: Path) -> None:
    scene, mask = (_with_secrets(web, name) for name in ("scene.tif", "mask.tif"))
    left: list[str] = []

    def fail(*_: object) -> None:
        (journal,) = folder.glob(".*/journal.jsonl")
        left.append(journal.read_text())
        raise RuntimeError(f"cannot read {scene}")

    with mock.patch.object(CogContainer, "finish", fail):
        failed = call("compress", scene, folder / "a.tif", "-s", mask, "-vvv", "--json", "-")
    assert failed.exit_code == 1
    assert "Traceback" in failed.stderr
    gone = call("compress", scene.replace("scene", "none"), folder / "b.tif", "-s", mask, "-vvv", "--json", "-")
    assert gone.exit_code == 3
    assert left
    assert _files_that_tell(folder, failed.output, gone.output, *left) == []
