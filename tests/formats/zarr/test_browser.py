"""A map in a browser reads a store: OpenLayers' source for GeoZarr in a headless Chromium, level by level.

OpenLayers is an npm package: `npm install ol`, and the variable OPENLAYERS tells the folder node_modules.
"""

import functools
import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import browser
import numpy as np
import pytest
import zarr
from stores import layout_of, write_store

OPENLAYERS = Path(os.environ.get("OPENLAYERS", "/no/node_modules"))
pytestmark = pytest.mark.skipif(
    not (browser.PROGRAM and (OPENLAYERS / "ol/source/GeoZarr.js").is_file()),
    reason="needs a Chromium, and OPENLAYERS",
)
PIXELS = np.random.default_rng(3).integers(1, 9000, (3, 192, 130)).astype("uint16")
PIXELS[:, :20, :30] = 7
READ = """
async (url, bands) => {
  const source = new GeoZarr({url, variable: 'image', dimensions: {band: bands}, transition: 0});
  await new Promise((done, failed) => source.on('change', () => {
    if (source.getState() === 'ready') done();
    if (source.getState() === 'error') failed(source.error_);
  }));
  const grid = source.getTileGrid(), levels = [];
  for (let z = 0; z < grid.getResolutions().length; z++) {
    const tiles = [], range = grid.getFullTileRange(z);
    for (let x = range.minX; x <= range.maxX; x++)
      for (let y = range.minY; y <= range.maxY; y++) {
        const tile = source.getTile(z, x, y, 1, source.getProjection());
        await new Promise((done, failed) => {
          const settled = {2: done, 3: () => failed(tile.error_)};
          tile.addEventListener('change', () => settled[tile.getState()]?.());
          tile.load();
        });
        tiles.push({x, y, data: Array.from(tile.getData())});
      }
    levels.push({resolution: grid.getResolution(z), size: [grid.getTileSize(z)].flat(), tiles});
  }
  return {levels, count: source.bandCount, projection: source.getProjection().getCode(), extent: grid.getExtent()};
}
"""


class Ranges(SimpleHTTPRequestHandler):
    """Answers ranges of bytes as well, by which shards are read."""

    def do_GET(self) -> None:
        path, asked = (
            Path(self.translate_path(self.path)),
            re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "")),
        )
        if asked is None or not path.is_file():
            super().do_GET()
            return
        content = path.read_bytes()
        first = int(asked[1]) if asked[1] else len(content) - int(asked[2])
        part = content[first : int(asked[2]) + 1 if asked[1] and asked[2] else None]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *args: object) -> None:
        pass


def _imports() -> dict[str, str]:
    """Where the modules of the packages lie, as their package.json tells."""
    found = {}
    for place in sorted(OPENLAYERS.glob("**/package.json")):
        told = json.loads(place.read_text())
        entries = told.get("exports") or {".": told.get("module") or told.get("main")}
        for name, entry in (entries if isinstance(entries, dict) else {".": entries}).items():
            file = entry.get("import") if isinstance(entry, dict) else entry
            if isinstance(file, str) and "name" in told and "*" not in name:
                address = f"/node_modules/{place.parent.relative_to(OPENLAYERS)}/{file.removeprefix('./')}"
                found.setdefault(told["name"] + name[1:], address)
    return found | {"ol/": "/node_modules/ol/"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and the address of it on this machine's loopback."""
    root = tmp_path_factory.mktemp("served")
    (root / "node_modules").symlink_to(OPENLAYERS.absolute())
    (root / "page.html").write_text(
        f"<!doctype html><script type=importmap>{json.dumps({'imports': _imports()})}</script>"
        "<script type=module>import GeoZarr from 'ol/source/GeoZarr.js'; window.GeoZarr = GeoZarr</script>"
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Ranges, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield root, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def tab(served: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    with browser.browser(tmp_path_factory.mktemp("chromium")) as opened:
        opened.call("Page.navigate", url=f"{served[1]}/page.html")
        opened.until("typeof GeoZarr === 'function'")
        yield opened


@pytest.mark.parametrize(("width", "shards", "exact"), [(128, 1, 3), (128, 2, 3), (130, 1, 1)])
def test_openlayers_reads_every_level(
    served: tuple[Path, str], tab: browser.Browser, width: int, shards: int, exact: int
) -> None:
    """It stretches an overview over the image: one of 33 pixels for 32.5 is interpolated; the image is exact."""
    root, address = served
    name = f"of-{width}-{shards}.zarr"
    pixels = PIXELS[..., :width]
    write_store(root / name, layout_of(pixels, 7), pixels, tile=64, shards=shards, groups=True)
    found = tab.do(f"({READ})({json.dumps(f'{address}/{name}')}, [0, 1, 2])")
    assert (found["projection"], found["extent"]) == ("EPSG:32617", [5e5, 4e6 - 1920, 5e5 + 10 * width, 4e6])
    levels = [one["asset"] for one in zarr.open_group(root / name, mode="r").attrs["multiscales"]["layout"]]
    assert len(found["levels"]) == len(levels) == 3
    for level, told in zip(levels[:exact], reversed(found["levels"]), strict=False):  # coarsest first
        expected = zarr.open_array(root / name / level / "image", mode="r")[:]
        read = np.zeros_like(expected)
        across, down = (told["size"] * 2)[:2]
        for tile in told["tiles"]:
            data = np.reshape(tile["data"], (down, across, found["count"]))[..., :3]
            part = read[:, tile["y"] * down :, tile["x"] * across :][:, :down, :across]
            part[:] = np.moveaxis(data, -1, 0)[:, : part.shape[1], : part.shape[2]]
        np.testing.assert_array_equal(read, expected)
