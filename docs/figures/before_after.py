"""Draw docs/images/before-after.jpg: a scene, its saliency, the result, and their bytes.

python docs/figures/before_after.py DATA        DATA holds sen2ships/ (MIT; contains modified Copernicus Sentinel data)
"""

import argparse
import tempfile
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import rasterio
from matplotlib.patches import Rectangle
from rasterio.windows import Window

import geosal

WINDOW = Window(col_off=120, row_off=550, width=400, height=400)
ZOOM = (slice(5, 105), slice(80, 180))
"""Rows and columns of the window that the second row shows."""


def main() -> None:
    """Run both jobs and draw what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / "images" / "before-after.jpg")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        draw(*make(asked.data / "sen2ships" / "cartagena", Path(folder)), asked.output)


def make(source: Path, folder: Path) -> tuple[Path, Path, Path, Path]:
    """Return the scene in 8 bits, its lossless copy, its saliency, and the result."""
    bands = [str(source / f"S2_L2A_cartagena_2023-07-30_B0{number}.tif") for number in (4, 3, 2)]
    scene, copy, small, map_ = (folder / name for name in ("scene.tif", "copy.tif", "small.tif", "map.tif"))
    say = {"treatment": "smooth"}
    geosal.compress(
        bands[0], str(scene), stack=bands[1:], to_byte="percentile:1-99", saliency="uniform:saliency=1", **say
    )
    ships = f"{source / 'cartagena_coco.json'}:buffer=4px,feather=12px"
    geosal.compress(str(scene), str(copy), saliency="uniform:saliency=1", **say)
    geosal.compress(str(scene), str(small), saliency=ships, **say)
    with rasterio.open(scene) as opened:
        profile = opened.profile
    saliency = geosal.saliency([ships], like=geosal.open_scene(str(scene)))
    profile.update(driver="GTiff", count=1, dtype="float32", photometric=None, nodata=None)
    with rasterio.open(
        map_,
        "w",
        **{
            k: v for k, v in profile.items() if k in {"driver", "width", "height", "count", "dtype", "crs", "transform"}
        },
    ) as out:
        out.write(np.asarray(saliency), 1)
    return scene, copy, map_, small


def draw(scene: Path, copy: Path, map_: Path, small: Path, output: Path) -> None:
    """Draw the panels, and bars of the bytes."""
    before, after, saliency = (_pixels(path) for path in (scene, small, map_))
    sizes = [path.stat().st_size / 1e6 for path in (copy, small)]
    mpl.rcParams.update({"font.size": 11, "font.family": "DejaVu Sans"})
    figure, axes = plt.subplots(2, 4, figsize=(11, 5.6), width_ratios=[3, 3, 3, 1.5], dpi=100)
    for row, part in enumerate((np.s_[:, :], ZOOM)):
        axes[row, 0].imshow(before[part])
        axes[row, 1].imshow(saliency[part], cmap="viridis", vmin=0, vmax=1)
        axes[row, 2].imshow(after[part])
        for axis in axes[row, :3]:
            axis.set(xticks=[], yticks=[])
    for column, title in enumerate(("before", "saliency: the ships", "after")):
        axes[0, column].set_title(title)
        rows, columns = ZOOM
        box = (columns.start, rows.start), columns.stop - columns.start, rows.stop - rows.start
        axes[0, column].add_patch(Rectangle(*box, fill=False, edgecolor="white", linewidth=1.2))
    _bars(axes[:, 3], sizes)
    figure.tight_layout(pad=0.6)
    figure.savefig(output, pil_kwargs={"quality": 82, "optimize": True, "progressive": True})
    print(output, output.stat().st_size, "bytes;", sizes)  # noqa: T201


def _bars(axes: np.ndarray, sizes: list[float]) -> None:
    figure, grid = axes[0].figure, axes[0].get_gridspec()
    for axis in axes:
        axis.remove()
    axis = figure.add_subplot(grid[:, 3])
    bars = axis.bar(["before", "after"], sizes, color=["#8a8f98", "#2a7f9e"], width=0.7)
    axis.bar_label(bars, [f"{size:.2f} MB" for size in sizes], padding=2)
    axis.set_title("lossless COG")
    axis.set(yticks=[], ylim=(0, max(sizes) * 1.08))
    axis.spines[["top", "right", "left"]].set_visible(False)


def _pixels(path: Path) -> np.ndarray:
    with rasterio.open(path) as opened:
        pixels = opened.read(window=WINDOW)
    return np.moveaxis(pixels, 0, -1).squeeze()


if __name__ == "__main__":
    main()
