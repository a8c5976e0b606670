"""What docs/benchmarks/first-paper.md is made of, around ``geosal experiment`` and ``geosal figures``.

python first_paper.py images ../../../shared/data IMAGES SIDE
    Make images out of real scenes, RGB of 8 bits of at most SIDE pixels, with a folder for each data set. The scenes
    are crops already, and most have bands in files of their own; so they are no data sets in the sense of
    `geosal.lab.datasets`, whose rules of conversion they follow.
python first_paper.py means MEANS.csv STUDY...
    Average the tables of sweeps over the images of each data set; a file that two of them have made counts once.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from geosal.core.grid import Block
from geosal.scenes import Reading, open_input

STRETCH = "percentile:2-98"
TRUE_COLOUR = "range:0-23317"
"""ESA's stretch of true colours, reflectance 0 to 0.3558, where 65535 is 1."""


class Cut(NamedTuple):
    """A crop of a scene.

    Attributes
    ----------
    dataset, name
        Folder and name of the image.
    bands
        One file, or one for red, green and blue each; of the first, the bands of `bidx`.
    bidx, to_byte
        See `geosal.scenes.Reading`.
    at
        Where the middle of the crop lies, as shares of height and width.
    """

    dataset: str
    name: str
    bands: tuple[str, ...]
    bidx: tuple[int, ...] = ()
    to_byte: str | None = None
    at: tuple[float, float] = (0.5, 0.5)


def _in_files(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}{name}" for name in names)


_CARTAGENA = _in_files("sen2ships/cartagena/S2_L2A_cartagena_2023-07-30_", "B04.tif", "B03.tif", "B02.tif")
_KLANG = _in_files("sen2ships/klang/S2_L2A_klang_2023-04-08_", "B04.tif", "B03.tif", "B02.tif")
_OLI = "landsat_c2/LC08_L1TP_227074_20190809_20200827_02_T1/LC08_L1TP_227074_20190809_20200827_02_T1_"
_OLI_OLD = "landsat_l8_pre/LC81070352015122LGN00/LC81070352015122LGN00_"
CUTS = (
    Cut("Sentinel-2", "cartagena-north", _CARTAGENA, to_byte=TRUE_COLOUR, at=(0.25, 0.5)),
    Cut("Sentinel-2", "cartagena-south", _CARTAGENA, to_byte=TRUE_COLOUR, at=(0.75, 0.5)),
    Cut("Sentinel-2", "klang-north", _KLANG, to_byte=TRUE_COLOUR, at=(0.2, 0.5)),
    Cut("Sentinel-2", "klang-south", _KLANG, to_byte=TRUE_COLOUR, at=(0.8, 0.5)),
    Cut("Landsat", "etm-bahamas", ("landsat7/RGB.byte.tif",)),
    Cut("Landsat", "etm-olinda", ("landsat7/L7_ETMs.tif",), bidx=(3, 2, 1)),
    Cut("Landsat", "oli-corrientes", _in_files(_OLI, "B4.TIF", "B3.TIF", "B2.TIF"), to_byte=STRETCH),
    Cut("Landsat", "oli-japan", _in_files(_OLI_OLD, "B4.tif", "B3.tif", "B2.tif"), to_byte=STRETCH),
    *(
        Cut("Pleiades", name[:8], (f"airbus_aircraft/{name}.jpg",))
        for name in (
            "014de911-7810-4f7d-8967-3e5402209f4a", "03f84930-e2be-4c19-9afc-0dc26d02538e",
            "074737f4-7f59-4729-be5d-67f6f1d34668", "12210ad7-83f8-4b54-bb4b-e93f8ff6ac1f",
        )
    ),
    Cut("NAIP, WorldView", "naip", ("naip/m_3607717_sw_18_1_20160620_subset.tif",), bidx=(1, 2, 3)),
    Cut("NAIP, WorldView", "worldview", ("spacenet/ms1.tif",), bidx=(3, 2, 1), to_byte=STRETCH),
    Cut("NAIP, WorldView", "worldview-sharp", ("spacenet/rgb_unmasked.tif",)),
)  # fmt: skip
"""Images of the study; no pixel of them is in the repository."""


def make(data: Path, folder: Path, side: int) -> None:
    """Make the images that can be made; a scene that is not there is left out."""
    for cut in CUTS:
        if not (data / cut.bands[0]).is_file():
            continue
        stack = tuple(str(data / name) for name in cut.bands[1:])
        reading = Reading(bidx=cut.bidx, to_byte=cut.to_byte, stack=stack)
        scene = open_input(str(data / cut.bands[0]), reading)
        height, width = (min(side, length) for length in scene.grid.shape)
        row, col = (
            min(max(int(share * whole) - part // 2, 0), whole - part)
            for share, whole, part in zip(cut.at, scene.grid.shape, (height, width), strict=True)
        )
        pixels = scene.read(Block(row, col, height, width)).pixels[:3]
        place = folder / cut.dataset
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.moveaxis(pixels, 0, -1)).save(place / f"{cut.name}.png")


def read(path: Path) -> list[dict[str, str]]:
    """Read a table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a table."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def means(out: Path, studies: list[Path]) -> None:
    """Average over the images of each data set."""
    by = ("dataset", "encoder", "parameter", "setting", "mask", "kernel")
    files = {tuple(row[key] for key in (*by, "image")): row for study in studies for row in read(study / "sweep.csv")}
    groups: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for key, row in files.items():
        groups[key[:-1]].append(row)
    figures = ("effective_kernel", "bpp", "reduction_of_original", "reduction_of_unsmoothed", "mse", "ssim")
    write(
        out,
        [
            dict(zip(by, key, strict=True))
            | {"images": len(rows)}
            | {name: f"{np.mean([float(row[name]) for row in rows]):.4g}" for name in figures}
            for key, rows in groups.items()
        ],
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["images", data, folder, side]:
            make(Path(data), Path(folder), int(side))
        case ["means", out, *studies]:
            means(Path(out), list(map(Path, studies)))
        case _:
            sys.exit(__doc__)
