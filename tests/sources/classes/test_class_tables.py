"""Tables of classes: what is written, what is known by name, what is refused."""

import numpy as np
import pytest

from geosal.errors import UsageError
from geosal.sources.classes.class_tables import LEGENDS, TABLES, ClassTable
from geosal.sources.classes.quality import KINDS, theme_codes


def saliency(value: str, classes, background: float = 0.25):
    return ClassTable.parse("map.tif", value).saliency(np.asarray(classes), background).tolist()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "int64"])
def test_each_class_gets_what_the_table_says(dtype):
    classes = np.array([[10, 50, 80], [0, 11, 10]], dtype)
    found = ClassTable.parse("map.tif", "10=1;50=0.8;80=0").saliency(classes, 0.25)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32([[1, 0.8, 0], [0.25, 0.25, 1]]))


def test_ranges_later_items_and_blanks():
    assert saliency(" 20-29 = 1 ; 25=0.5;", [19, 20, 25, 29, 30]) == [0.25, 1, 0.5, 1, 0.25]
    assert saliency("-5=1;-3--1=0.5", np.array([-5, -4, -3, -1, 0], "int8")) == [1, 0.25, 0.5, 0.5, 0.25]


def test_none_says_nothing():
    assert np.isnan(saliency("1=1;255=none", np.array([255], "uint8"))).all()


def test_names_can_be_changed_by_code_and_by_name():
    assert saliency("worldcover", [50, 80, 10]) == [1, 0, 0.5]
    assert saliency("worldcover;80=0.5;trees=0.75;1=1", [50, 80, 10, 1]) == [1, 0.5, 0.75, 1]
    assert saliency("nlcd;built=0.5", [21, 24, 11]) == [0.5, 0.5, 0]


@pytest.mark.parametrize("name", LEGENDS)
def test_legends_are_whole(name):
    codes = [code for codes, _ in LEGENDS[name].values() for code in codes]
    assert len(codes) == len(set(codes))
    table = ClassTable.parse("map.tif", name)
    assert table.knows(np.array(codes)).all()
    assert not table.knows(np.array([254, 255])).any()
    values = table.saliency(np.array(codes), 0.125)
    assert not (values == 0.125).any()
    assert values[~np.isnan(values)].max() == 1


@pytest.mark.parametrize("name", [name for name in TABLES if name in KINDS])
def test_tables_of_quality_bands_agree_with_the_presets(name):
    kind = KINDS[name]
    codes = np.arange(1 << kind.bits)
    found = ClassTable.parse("qa.tif", f"{name};water=0.5;snow=0.25").saliency(codes, 0.0)
    nowhere = np.zeros(codes.shape, bool)
    water = theme_codes(name, "water") if "water" in kind.themes else nowhere
    if "cloud" in kind.themes:
        assert (found[theme_codes(name, "cloud")] == 0).all()
    others = np.zeros(codes.shape, bool)
    for theme in set(kind.themes) - {"water"}:
        others |= theme_codes(name, theme)
    assert (found[water & ~others] == 0.5).all()
    fill = nowhere if kind.fill is None else kind.fill.holds(codes)
    assert np.isnan(found[fill]).all()
    assert (found[~(fill | water | others)] == 1).all()
    assert ClassTable.parse("qa.tif", name).saliency(np.array([-1, 1 << kind.bits]), 0.125).tolist() == [0.125, 0.125]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "is no table; write CLASS=SALIENCY"),
        (";;", "is no table"),
        ("10", "no table is called 10"),
        ("worldcovr", "did you mean worldcover"),
        ("10=1;50", "'50' cannot be read"),
        ("10=2", "from 0 to 1, or none"),
        ("10=-0.5", "from 0 to 1"),
        ("10=nan", "from 0 to 1"),
        ("10=", "from 0 to 1"),
        ("ten=1", "ranges as 21-24=1"),
        ("30-20=1", "cannot be read"),
        ("10.5=1", "cannot be read"),
        ("9" * 5000 + "=1", "cannot be read"),
        ("worldcover;city=1", "the classes of this table are none, trees"),
        ("scl;9=0", "is told by land, water"),
        ("msk_classi", "no table is called"),
        (";".join(f"{code}=1" for code in range(5000)), "is no table"),
    ],
)
def test_what_is_no_table(value, message):
    with pytest.raises(UsageError, match=message) as caught:
        ClassTable.parse("map.tif:classes", value)
    assert "\n" not in str(caught.value)


def test_a_table_of_16_bits_is_made_once(monkeypatch):
    table = ClassTable.parse("map.tif", "10=1;500=0.25")
    found = table.saliency(np.array([10, 500, 7], np.uint16), 0.5)
    monkeypatch.setattr(ClassTable, "by_entry", None)
    np.testing.assert_array_equal(table.saliency(np.array([10, 500, 7], np.uint16), 0.5), found)
    assert found.tolist() == [1, 0.25, 0.5]
