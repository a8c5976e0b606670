import numpy as np

from geosal.maps.palettes import magma
from geosal.maps.sheet import FRAME, SIDE, Legend, Panel, draw_sheet, legend_strip, strip


def _flat(colour: tuple[int, int, int], height: int, width: int) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3))


def test_columns_show_their_pictures() -> None:
    panels = [
        Panel("a", "of red", _flat((200, 0, 0), 40, 80), _flat((250, 0, 0), 24, 24)),
        Panel("b", "of blue", _flat((0, 0, 180), 40, 80), _flat((0, 0, 90), 24, 24), Legend(magma, "least", "most")),
    ]
    sheet = draw_sheet(panels, (0.5, 0.25, 0.1, 0.2), "below all")
    first, second, below = 18, 18 + SIDE + 18, 52 + SIDE // 2 + 18
    assert sheet[52 + 5, first + 5].tolist() == [200, 0, 0]
    assert sheet[52 + 5, second + SIDE - 5].tolist() == [0, 0, 180]
    assert sheet[below + SIDE // 2, first + SIDE // 2].tolist() == [250, 0, 0]
    assert sheet[below + SIDE // 2, second + SIDE // 2].tolist() == [0, 0, 90]
    assert sheet[52 + SIDE // 4, first + SIDE // 4 + 10].tolist() == list(FRAME)  # the top of the frame
    assert sheet[below, second + 9].tolist() == list(FRAME)
    assert (sheet[:52] < 100).any()  # captions
    assert (sheet[-30:] < 100).any()
    legend = sheet[below + SIDE + 9 + 7]
    assert legend[first + 100].min() > 240  # the first column has none
    assert legend[second + 1].max() < 10
    assert legend[second + SIDE - 1].tolist() == magma(np.array(1.0)).tolist()


def test_long_texts_are_cut_off() -> None:
    line = strip("a very long name of a file " * 20, 200, 28)
    assert line.shape == (28, 200, 3)
    assert (line[:, -8:] > 240).all()
    assert legend_strip(Legend(magma, "x" * 300, "y" * 300), 200).shape == (52, 200, 3)
