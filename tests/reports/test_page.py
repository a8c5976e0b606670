"""The page in a browser: opened from the disk, swiped, zoomed to real pixels, by mouse and by keyboard."""

import io
import itertools
from pathlib import Path

import numpy as np
from browser import Browser
from PIL import Image
from rasters import read

READY = (
    "window.geosalReport && geosalReport.viewer.world.getItemCount() > 1"
    " && [...geosalReport.layers.values()].every(each => each.hidden || each.items.length > 0)"
    " && [...Array(geosalReport.viewer.world.getItemCount()).keys()]"
    ".every(n => geosalReport.viewer.world.getItemAt(n).getOpacity() === 0"
    " || geosalReport.viewer.world.getItemAt(n).getFullyLoaded())"
)

UNNAMED = (
    "[...document.querySelectorAll('select, input, button, [role=slider], img')].filter(each => !(each.labels?.length"
    " || each.textContent.trim() || each.ariaLabel || each.hasAttribute('alt'))).map(each => each.outerHTML)"
)

CUT = (
    "[...document.querySelectorAll('.outputs td')].filter(each => each.getBoundingClientRect().right > innerWidth"
    " || !getComputedStyle(each, '::before').content.includes(each.dataset.name)).map(each => each.outerHTML)"
)
"""Cells of the first table that a telephone does not show, or without their names."""
BROKEN = (
    "[...document.querySelectorAll('.tools label')].filter(each => { const range = document.createRange();"
    " range.selectNodeContents(each.firstChild); return range.getClientRects().length !== 1 })"
    ".map(each => each.textContent)"
)
"""Labels that are broken into lines."""


def _choose(tab: Browser, name: str, value: str) -> None:
    tab.do(
        f"(each => {{ each.value = '{value}'; each.dispatchEvent(new Event('change')) }})"
        f"(document.getElementById('{name}'))"
    )


def _stage(tab: Browser) -> tuple[float, float, float, float]:
    box = tab.do(
        "(box => [box.x, box.y, box.width, box.height])(document.getElementById('stage').getBoundingClientRect())"
    )
    return tuple(box)


def _shown(tab: Browser) -> np.ndarray:
    """What the stage shows, (y, x, 3)."""
    tab.do("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 120))))")
    left, top, width, height = (round(each) for each in _stage(tab))
    whole = np.asarray(Image.open(io.BytesIO(tab.screenshot())).convert("RGB"))
    return whole[top : top + height, left : left + width]


def _look_at(tab: Browser, row: int, col: int, scale: int) -> None:
    """Put the upper left corner of a pixel at that of the stage, and show each as `scale` x `scale`."""
    width = 120
    tab.do(
        "(() => { const port = geosalReport.viewer.viewport, box = geosalReport.viewer.container;"
        f"port.fitBounds(new OpenSeadragon.Rect({col / width}, {row / width}, box.clientWidth / {scale * width},"
        f" box.clientHeight / {scale * width}), true); }})()"
    )


def test_the_page_is_whole_and_swipes_down_to_real_pixels(page: Path, folder: Path, tab: Browser) -> None:
    tab.open(page, 900, 1100)
    tab.until(READY)
    assert tab.do("document.title") == "</script><b>Both</b>"
    assert tab.do("document.querySelectorAll('script').length") == 4
    tab.do("document.getElementById('stage').scrollIntoView()")

    # Pixels, left of the handle from the original, right of it from the output.
    scene, output = read(folder / "scene.tif"), next(folder.glob("a *.tif"))
    _look_at(tab, 20, 2, 16)
    before = _shown(tab)
    _, _, width, _ = _stage(tab)
    middle = int(width / 2)
    for pixels, columns in ((scene, range(4, middle // 16 - 2)), (read(output), range(middle // 16 + 3, 46))):
        for row, col in itertools.product(range(3, 12), columns):
            assert before[16 * row + 8, 16 * col + 8].tolist() == pixels[:, 20 + row, 2 + col].tolist(), (row, col)
    assert "real pixels" in tab.do("document.getElementById('status').textContent")

    # The handle, by mouse and by keys.
    left, top, width, height = _stage(tab)
    tab.drag((left + width / 2, top + height / 2), (left + width / 4, top + height / 2))
    after = _shown(tab)
    between = np.s_[100:200, int(width * 0.3) : int(width * 0.45)]
    assert (before[between] != after[between]).any(axis=-1).mean() > 0.5
    for col in range(int(width * 0.3) // 16 + 1, int(width * 0.45) // 16):
        assert after[168, 16 * col + 8].tolist() == read(output)[:, 30, 2 + col].tolist()
    assert tab.do("document.activeElement.id") == "handle"
    tab.press("End")
    assert tab.do("document.getElementById('handle').getAttribute('aria-valuenow')") == "100"
    tab.press("ArrowLeft")
    assert tab.do("document.getElementById('handle').getAttribute('aria-valuenow')") == "98"
    np.testing.assert_array_equal(_shown(tab)[between], before[between])  # the original again

    # The other output, and maps over it.
    plain = _shown(tab)
    _choose(tab, "overlay", "errors")
    tab.until(READY)
    assert (_shown(tab)[between] != plain[between]).any()
    assert not tab.do("document.getElementById('legend').hidden")
    _choose(tab, "right", "2")
    tab.until(READY)
    assert "out.jpg" in tab.do("document.getElementById('name-right').textContent")
    tab.do("document.querySelector('#places button').click()")

    # Nothing was loaded, and nothing went wrong.
    assert tab.requests == [page.absolute().as_uri()]
    assert tab.complaints == []


def test_it_is_printed_with_pictures_and_read_without_a_mouse(page: Path, tab: Browser) -> None:
    tab.open(page, 420, 800, dark=True)
    tab.until(READY)
    assert tab.do("document.documentElement.scrollWidth") <= 420  # nothing sticks out of a telephone
    assert tab.do(UNNAMED) == []
    assert tab.do(CUT) == []
    assert tab.do(BROKEN) == []
    tab.until("document.documentElement.dataset.complete === ''")
    tab.until("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.do("getComputedStyle(document.querySelector('.row.print')).display") == "block"
    assert tab.do("getComputedStyle(document.querySelector('.screen')).display") == "none"
    assert tab.print_pdf()[:4] == b"%PDF"
    assert tab.complaints == []
