from geosal.scenes.reading import band_names


def test_names() -> None:
    assert band_names("rgb, B04,,") == ("rgb", "B04")
    assert band_names(["", "a,b", " c "]) == ("a", "b", "c")
    assert band_names(()) == ()
