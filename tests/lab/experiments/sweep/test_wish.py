from typing import Any

import pytest

from geosal.errors import UsageError
from geosal.lab.experiments.sweep.wish import Sweep


def test_defaults_are_the_papers() -> None:
    wish = Sweep.from_mapping({"images": "pictures"})
    assert wish.kernels == (1, 3, 5, 7, 9, 11, 13, 15, 17)
    assert wish.masks == {"half": ("half",), "grid": ("grid",), "perlin": ("perlin",)}
    assert [setting.name for setting in wish.settings] == ["png"]
    assert (wish.original, wish.ladder.widths[-1]) == ("png", 17)


def test_settings_in_their_order() -> None:
    encoders = {"png": None, "small": {"profile": "jp2", "rate": [1, 20]}, "webp": {"quality": 75, "options": {"A": 1}}}
    wish = Sweep.from_mapping({"images": "x", "encoders": encoders, "masks": {"ships": ["a.json", "b.json"]}})
    names = ["png", "small-rate=1", "small-rate=20", "webp-quality=75"]
    assert [setting.name for setting in wish.settings] == names
    assert wish.masks == {"ships": ("a.json", "b.json")}
    assert wish.encoders["webp"].options == {"A": "1"}
    assert wish.to_plain()["encoders"]["small"]["profile"] == "jp2"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": [1]}, "kernel: no such option of an experiment; did you mean kernels?"),
        ({"kernels": [4]}, "kernels=4: it must be odd"),
        ({"kernels": [3, 3]}, "without one twice"),
        ({"masks": {"none": "half"}}, "masks='none'"),
        ({"encoders": ["jp3"]}, "encoders.jp3: no such profile: jp3; did you mean "),
        ({"encoders": []}, "profiles of geosal"),
        ({"encoders": {"png": None, "jpg": {"rate": [2]}}}, "only the profile jp2 has rates"),
        ({"encoders": {"png": None, "jp2": {"rate": [0.5]}}}, "1 (lossless) or more"),
        ({"encoders": {"png": None, "jpg": {"quality": [2], "tables": [1]}}}, "one parameter varies at a time"),
        ({"encoders": {"png": None, "jpg": {"quality": []}}}, "none stands twice"),
        ({"encoders": {"jpg": {"quality": [2]}}}, "original='png': it must be one of encoders, jpg"),
        ({"encoders": {"png": 3}}, "encoders.png=3"),
        ({"limit": 0}, "limit=0"),
        ({"steps": 0}, "steps=0"),
        ({"sigma": "2*k"}, "sigma='2*k'"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        Sweep.from_mapping({"images": "pictures"} | change)
    assert message in str(refused.value)
