"""What a plan warns of and refuses."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from rasters import save

import geosal
from geosal.errors import GeosalWarning, UsageError
from geosal.job.doubts import refuse_seal, refuse_tables, warn_of_block, warn_of_disk
from geosal.produce import Target


def target(side: int, tile: int, because: str | None = None) -> Target:
    """What is looked at in one: a file of ours, or of GDAL's for a reason."""
    grid = SimpleNamespace(height=side, width=side)
    profile = SimpleNamespace(name="webp")
    parts: dict[str, Any] = {"layout": SimpleNamespace(grid=grid), "profile": profile, "treatment": "smooth"}
    return cast(Target, SimpleNamespace(own_encoder=SimpleNamespace(tile=tile), gdal_because=because, **parts))


def test_tiles_that_blocks_cut_are_told_where_it_costs() -> None:
    with pytest.warns(GeosalWarning, match="make it a multiple of 512"):
        warn_of_block(target(8000, 512), 700)
    warn_of_block(target(8000, 512), 1024)
    warn_of_block(target(2000, 512), 700)
    warn_of_block(target(8000, 512, "it is a JPEG XL"), 700)


def test_trial_1_a_disk_that_is_too_small_is_told(tmp_path: Path) -> None:
    warn_of_disk(f"{tmp_path}/out.tif", 1, 10**18)
    with pytest.warns(GeosalWarning, match="free, the job may need up to"):
        warn_of_disk(f"{tmp_path}/out.tif", 10**18, 10**18)


def test_a_seal_needs_exact_pixels_and_whole_tiles() -> None:
    refuse_seal(target(900, 512), 1024, keeps_salient=True)
    with pytest.raises(UsageError, match="webp with treatment smooth keeps no pixel bit for bit"):
        refuse_seal(target(900, 512), 1024, keeps_salient=False)
    with pytest.raises(UsageError, match="make it a multiple"):
        refuse_seal(target(900, 512), 700, keeps_salient=True)


def test_flat_tables_are_refused_where_gdal_encodes() -> None:
    refuse_tables([("tables", "annexk"), ("QUALITY", "80")], "it has 4 bands")
    with pytest.raises(UsageError, match="only geosal makes them, and it has 4 bands"):
        refuse_tables([("tables", "flat")], "it has 4 bands")


def test_a_scene_without_a_place_is_told(tmp_path: Path) -> None:
    save(tmp_path / "bare.tif", np.ones((1, 16, 16), np.uint8))
    with pytest.warns(GeosalWarning, match="has no georeferencing, so the output has none"):
        geosal.make_plan(
            geosal.Recipe.from_mapping(
                {"input": str(tmp_path / "bare.tif"), "output": str(tmp_path / "out.tif"), "saliency": "half"}
            )
        )
