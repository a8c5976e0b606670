"""Draw docs/images/jpeg-q50.jpg: scenes, their plain JPEG of quality 50, and ours at its bytes, 5 % salient.

PYTHONPATH=tests/benchmarks python docs/figures/jpeg_q50.py          needs the data of the benchmarks
"""

import io
import tempfile
from pathlib import Path

import numpy as np
from jpeg_coders import Pixels, decode, turbo
from jpeg_crops import SATELLITE, Crop, open_crops
from PIL import Image
from scipy.ndimage import uniform_filter

import geosal

OUT = Path(__file__).parents[1] / "images" / "jpeg-q50.jpg"
NAMES = ("Landsat 8 land", "S2 Klang", "Airbus 1221")
SIDE, ZOOM, GAP, QUALITY, SHARE = 112, 2, 6, 50, 0.05


def ours(crop: Crop, size: int, folder: Path) -> Pixels:
    """Encode a crop as its command does, and decode it."""
    path = folder / "ours.jpg"
    wish = {"saliency": str(crop.mask_paths[SHARE]), "target_size": size, "overwrite": True}
    geosal.compress(str(crop.path), str(path), **wish)
    return decode(path.read_bytes(), "turbo")


def place(crop: Crop) -> tuple[slice, slice]:
    """Find the part that has most faint squares, with a salient pixel or two in it."""
    luma = crop.pixels.mean(axis=2)
    contrast = np.sqrt(np.maximum(0, uniform_filter(luma**2, 8) - uniform_filter(luma, 8) ** 2))
    faint = uniform_filter(((contrast > 1) & (contrast < 4)).astype(float), SIDE)
    some = uniform_filter(crop.masks[SHARE].astype(float), SIDE)
    good = (faint + np.minimum(some, 0.1))[SIDE // 2 : -SIDE // 2, SIDE // 2 : -SIDE // 2]
    row, col = np.unravel_index(int(good.argmax()), good.shape)
    row, col = int(row) // 8 * 8, int(col) // 8 * 8
    return slice(row, row + SIDE), slice(col, col + SIDE)


def shown(part: Pixels, of: Pixels) -> Pixels:
    """Stretch a part as the scene's, and enlarge it without smoothing."""
    low, high = np.percentile(of, (1, 99))
    stretched = np.clip((part.astype(float) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return np.kron(stretched, np.ones((ZOOM, ZOOM, 1), np.uint8))


def main() -> None:
    """Draw a row for each scene."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for crop in open_crops(SATELLITE, Path(folder)):
            if crop.name not in NAMES:
                continue
            plain = turbo(crop.pixels, QUALITY)
            where = place(crop)
            parts = [
                each[where] for each in (crop.pixels, decode(plain, "turbo"), ours(crop, len(plain), Path(folder)))
            ]
            white = np.full((SIDE * ZOOM, GAP, 3), 255, np.uint8)
            tiles = [shown(part, parts[0]) for part in parts]
            rows.append(np.hstack([tiles[0], white, tiles[1], white, tiles[2]]))
            rows.append(np.full((GAP, rows[0].shape[1], 3), 255, np.uint8))
    stream = io.BytesIO()
    Image.fromarray(np.vstack(rows[:-1])).save(stream, "JPEG", quality=85, subsampling=0, optimize=True)
    OUT.write_bytes(stream.getvalue())


if __name__ == "__main__":
    main()
