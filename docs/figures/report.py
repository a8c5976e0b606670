"""Draw docs/images/report*.jpg: the report of a scene in a browser, as people see it.

python docs/figures/report.py DATA        DATA holds sen2ships/ (MIT; contains modified Copernicus Sentinel data)
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import rasterio
from PIL import Image
from rasterio.windows import Window

import geosal

WINDOW = Window(col_off=40, row_off=480, width=700, height=460)
IMAGES = Path(__file__).parents[1] / "images"
LONGEST = 900
"""Pixels of the longer side of a picture at most: those of the documents are small."""
VIEWS = {"report.jpg": (1400, 1180, ()), "report-narrow-dark.jpg": (500, 1000, ("--force-dark-mode",))}
"""Name, width and height of each picture, and the flags of Chromium for it."""


def main() -> None:
    """Make the scene, two outputs, and the report, and take its pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    source = parser.parse_args().data / "sen2ships" / "cartagena"
    with tempfile.TemporaryDirectory() as folder:
        page = make(source, Path(folder))
        for name, (width, height, flags) in VIEWS.items():
            take(page, IMAGES / name, (width, height), flags)


def make(source: Path, folder: Path) -> Path:
    """Return the report of a port whose ships matter."""
    red, green, blue = (str(source / f"S2_L2A_cartagena_2023-07-30_B0{number}.tif") for number in (4, 3, 2))
    names = ("whole.tif", "ships.tif", "port.tif", "mask.tif", "port-small.tif", "report.html")
    whole, ships, port, mask, small, page = (folder / name for name in names)
    everywhere = {"saliency": "uniform:saliency=1", "treatment": "smooth"}
    geosal.compress(red, whole, stack=[green, blue], to_byte="percentile:1-99", **everywhere)
    found = geosal.saliency(
        [f"{source / 'cartagena_coco.json'}:buffer=4px,feather=12px"], like=geosal.open_scene(whole)
    )
    geosal.write(found, ships)
    for path, cut in ((whole, port), (ships, mask)):
        with rasterio.open(path) as scene:
            profile = {"driver": "GTiff", "width": WINDOW.width, "height": WINDOW.height, "crs": scene.crs}
            profile |= {"transform": scene.window_transform(WINDOW), "count": scene.count, "dtype": scene.dtypes[0]}
            with rasterio.open(cut, "w", **profile, compress="deflate", predictor=2, tiled=True) as out:
                out.write(scene.read(window=WINDOW))
    geosal.compress(port, small, saliency=str(mask))
    geosal.report(port, small, page)
    return page


def take(page: Path, picture: Path, size: tuple[int, int], flags: tuple[str, ...]) -> None:
    """Open the page in a headless Chromium and keep what it shows."""
    shot = page.with_suffix(".png")
    browser = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    subprocess.run(  # noqa: S603  # our own page
        [
            browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *flags,
            f"--user-data-dir={page.parent / 'chromium'}", f"--window-size={size[0]},{size[1]}",
            "--virtual-time-budget=8000", f"--screenshot={shot}", page.as_uri(),
        ],
        check=True,
    )  # fmt: skip
    image = Image.open(shot).convert("RGB")
    image.thumbnail((LONGEST, LONGEST))
    image.save(picture, quality=54, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
