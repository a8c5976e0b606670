import numpy as np
import pytest

from geosal.maps.palettes import PALETTES


@pytest.mark.parametrize("palette", PALETTES)
def test_palettes_are_those_that_everyone_knows(palette: str) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    values = np.linspace(0, 1, 256)
    theirs = 255 * matplotlib.colormaps[palette](values)[:, :3]
    # matplotlib's jet has its corners a little elsewhere; our others have seventeen colours and straight lines between.
    assert np.abs(PALETTES[palette](values) - theirs).max() <= (40 if palette == "jet" else 6)
    assert np.abs(PALETTES[palette](values) - theirs).mean() <= (6 if palette == "jet" else 1.2)


@pytest.mark.parametrize("palette", ["viridis", "magma"])
def test_lightness_rises(palette: str) -> None:
    lightness = PALETTES[palette](np.linspace(0, 1, 256)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -0.5).all()
    assert lightness[-1] - lightness[0] > 150


@pytest.mark.parametrize("palette", ["viridis", "magma"])
def test_beyond_the_ends_are_the_colours_of_the_ends(palette: str) -> None:
    ends = PALETTES[palette](np.array([-1.0, 0.0, 1.0, 7.0]))
    assert (ends[0] == ends[1]).all()
    assert (ends[2] == ends[3]).all()
