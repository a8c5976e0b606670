from geosal.core.bpg import nal


def test_a_stream_is_cut_at_its_start_codes() -> None:
    own, other = nal.unit_of(nal.SEQUENCE, b"\1\2\0\3"), nal.in_layer(nal.unit_of(nal.PICTURE, b"\4\5"), 1)
    stream = b"before" + nal.join([own, other]) + b"\0"
    assert nal.units(stream) == [own, other]
    assert [nal.kind_of(unit) for unit in (own, other)] == [nal.SEQUENCE, nal.PICTURE]
    assert [nal.layer_of(unit) for unit in (own, other)] == [0, 1]
    assert nal.in_layer(other, 0) == nal.unit_of(nal.PICTURE, b"\4\5")
