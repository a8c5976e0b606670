"""Every value of every kind of quality band, against decoders written from the handbooks' tables in another way."""

import numpy as np
import pytest

from geosal.sources.classes.quality import CONFIDENCES, KINDS, has_cirrus, kind_of_name, theme_codes

PRINTED = [format(value, "016b") for value in range(65536)]


def bits(value: int, last: int, first: int) -> str:
    """The bits of a value as the handbooks print them, the highest first."""
    return PRINTED[value][15 - last : 16 - first]


def qa_pixel(value: int, theme: str, confidence: str, oli: bool) -> bool:
    if bits(value, 0, 0) == "1":
        return False
    cloud = {"00": "none", "01": "low", "10": "medium", "11": "high"}[bits(value, 9, 8)]
    if theme == "cloud":
        sure = bits(value, 3, 3) == "1" or cloud == "high"
        cirrus = oli and (bits(value, 2, 2) == "1" or bits(value, 15, 14) == "11")
        return sure or (confidence != "high" and (cloud == "medium" or cirrus or bits(value, 1, 1) == "1"))
    if theme == "shadow":
        return bits(value, 4, 4) == "1" or bits(value, 11, 10) == "11"
    if theme == "snow":
        return bits(value, 5, 5) == "1" or bits(value, 13, 12) == "11"
    return bits(value, 7, 7) == "1"


def bqa(value: int, theme: str, confidence: str, oli: bool) -> bool:
    if bits(value, 0, 0) == "1":
        return False
    enough = {"high": {"11"}, "medium": {"11", "10"}, "low": {"11", "10"}}[confidence]
    if theme == "cloud":
        cirrus = {"high": set(), "medium": {"11"}, "low": {"11", "10"}}[confidence]
        return bits(value, 4, 4) == "1" or bits(value, 6, 5) in enough or (oli and bits(value, 12, 11) in cirrus)
    return bits(value, *((8, 7) if theme == "shadow" else (10, 9))) in enough


def bqa_pre(value: int, theme: str, confidence: str, oli: bool) -> bool:
    if bits(value, 0, 0) == "1":
        return False
    enough = {"high": {"11"}, "medium": {"11", "10"}, "low": {"11", "10"}}[confidence]
    if theme == "cloud":
        cirrus = {"high": set(), "medium": {"11"}, "low": {"11", "10"}}[confidence]
        return bits(value, 15, 14) in enough or bits(value, 13, 12) in cirrus
    return bits(value, *((11, 10) if theme == "snow" else (5, 4))) in enough


def pixel_qa(value: int, theme: str, confidence: str, oli: bool) -> bool:
    if bits(value, 0, 0) == "1":
        return False
    if theme == "cloud":
        sure = bits(value, 5, 5) == "1" or bits(value, 7, 6) == "11"
        probable = bits(value, 7, 6) == "10" or (oli and bits(value, 9, 8) == "11")
        return (
            sure or (confidence != "high" and probable) or (confidence == "low" and oli and bits(value, 9, 8) == "10")
        )
    return bits(value, *{"shadow": (3, 3), "snow": (4, 4), "water": (2, 2)}[theme]) == "1"


SCL = {
    "cloud": {"high": [9], "medium": [8, 9, 10], "low": [7, 8, 9, 10]},
    "shadow": {"high": [3], "medium": [3], "low": [2, 3]},
    "snow": {key: [11] for key in CONFIDENCES},
    "water": {key: [6] for key in CONFIDENCES},
}


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("decode", [qa_pixel, bqa, bqa_pre, pixel_qa])
@pytest.mark.parametrize("sensor", ["LANDSAT_8", "LANDSAT_7"])
def test_every_value_of_16_bits_is_decoded_as_the_handbook_says(decode, confidence, sensor):
    for theme in KINDS[decode.__name__].themes:
        oli = sensor == "LANDSAT_8"
        if not oli and (decode is bqa_pre or theme != "cloud"):
            continue  # sensors differ in cirrus only, and before the collections there was one
        expected = np.fromiter((decode(value, theme, confidence, oli) for value in range(65536)), bool)
        np.testing.assert_array_equal(theme_codes(decode.__name__, theme, confidence, sensor), expected, theme)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("theme", SCL)
def test_every_class_of_scl(theme, confidence):
    assert np.flatnonzero(theme_codes("scl", theme, confidence)).tolist() == SCL[theme][confidence]


# The interpretations that USGS prints beside its bit tables (LSDS-1619, table of pixel values).
USGS = {
    1: "", 21824: "", 21826: "cloud", 21888: "water", 21890: "cloud water", 22080: "cloud", 22144: "cloud water",
    22280: "cloud", 23888: "shadow", 23952: "shadow water", 24088: "cloud shadow", 24216: "cloud shadow water",
    24344: "cloud shadow", 24472: "cloud shadow water", 30048: "snow", 54596: "cloud", 54852: "cloud", 55052: "cloud",
}  # fmt: skip


@pytest.mark.parametrize("value", USGS)
def test_the_values_that_usgs_interprets(value):
    found = {theme for theme in ("cloud", "shadow", "snow", "water") if theme_codes("qa_pixel", theme)[value]}
    assert found == set(USGS[value].split())


@pytest.mark.parametrize(
    ("kind", "theme", "values"),
    [
        ("bqa", "cloud", {2720: False, 2752: True, 2800: True, 2976: False, 3744: False, 6816: True}),
        ("bqa", "shadow", {2720: False, 2976: True, 2800: False}),
        ("bqa", "snow", {2720: False, 3744: True}),
        ("bqa_pre", "cloud", {20480: False, 36864: True, 53248: True, 28672: True, 61440: True, 1: False}),
        ("fmask", "cloud", {0: False, 1: False, 2: False, 3: False, 4: True, 255: False}),
        ("fmask", "shadow", {2: True, 4: False}),
        ("fmask_python", "cloud", {1: False, 2: True, 3: False, 4: False, 5: False}),
        ("fmask_python", "water", {1: False, 5: True}),
        ("fmask_hls", "cloud", {0: False, 1: True, 2: True, 4: False, 8: False, 16: False, 32: False, 255: False}),
        ("fmask_hls", "water", {32: True, 224: True, 192: False, 255: False}),
        ("msk_classi", "cloud", {0: False, 1: True, 2: True, 4: False}),
        ("msk_classi", "snow", {0: False, 1: False, 4: True}),
    ],
)
def test_values_known_from_the_field(kind, theme, values):
    assert {value: bool(theme_codes(kind, theme)[value]) for value in values} == values


@pytest.mark.parametrize("kind", KINDS)
def test_less_confidence_is_more_pixels(kind):
    for theme in KINDS[kind].themes:
        high, medium, low = (theme_codes(kind, theme, confidence) for confidence in CONFIDENCES)
        assert high.any()
        assert not (high & ~medium).any()
        assert not (medium & ~low).any()


@pytest.mark.parametrize(
    ("sensor", "cirrus"),
    [("LANDSAT_8", True), ("LANDSAT_9", True), ("LANDSAT_7", False), ("landsat-5", False), ("", True),
     ("LE07_L2SP_001_02_T1_QA_PIXEL.TIF", False), ("LT05_L1TP_QA_PIXEL.TIF", False), ("LC08_QA_PIXEL.TIF", True),
     ("tile7.tif", True), ("LANDSAT_3", False)],
)  # fmt: skip
def test_only_the_later_sensors_have_cirrus(sensor, cirrus):
    assert has_cirrus(sensor) is cirrus
    assert theme_codes("qa_pixel", "cloud", "medium", sensor)[21824 | 1 << 2] == cirrus


@pytest.mark.parametrize(
    ("path", "kind"),
    [("a/T31TFJ_20200101T103421_SCL_20m.jp2", "scl"), ("SCL.tif", "scl"), ("x/LC08_02_T1_QA_PIXEL.TIF", "qa_pixel"),
     ("LC08_01_T1_BQA.TIF", "bqa"), ("QI_DATA/MSK_CLASSI_B00.jp2", "msk_classi"),
     ("/vsizip/a.zip/QI_DATA/MSK_CLOUDS_B00.gml", "clouds_gml"), ("LC08_01_T1_pixel_qa.tif", "pixel_qa"),
     ("HLS.L30.T56HKK.2020001T1.v2.0.Fmask.tif", "fmask_hls"), ("fmask.tif", None), ("SCL_dir/B02.tif", None)],
)  # fmt: skip
def test_agencies_names_tell_the_kind(path, kind):
    assert kind_of_name(path) == kind
