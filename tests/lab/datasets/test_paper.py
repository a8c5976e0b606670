"""The paper's tables agree with each other, and with the layouts."""

from geosal.lab.datasets import LAYOUTS, TABLE_1, TABLE_2


def test_table_2_adds_up_to_its_row_of_table_1():
    assert sum(TABLE_2.values()) == TABLE_1["sentinel2"].images == 339


def test_every_row_is_that_of_a_layout():
    assert {name: row.dataset for name, row in TABLE_1.items()} == {
        name: layout.dataset for name, layout in LAYOUTS.items() if name != "plain"
    }
