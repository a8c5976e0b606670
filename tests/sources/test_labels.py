from types import SimpleNamespace

import pytest

from geosal.sources.labels import is_said, label_of, told_of

DIGEST = "0a" * 32


def source(text, fingerprint=None):
    return SimpleNamespace(text=text, fingerprint=fingerprint)


def test_a_source_is_told_without_folders_and_with_what_it_reads():
    assert told_of(source("perlin:seed=3")) == {"source": "perlin:seed=3"}
    mask = source("/home/me/mask.tif:range=0-100", DIGEST)
    assert told_of(mask) == {"source": "mask.tif:range=0-100", "sha256": DIGEST}
    assert label_of(mask) == f"mask.tif:range=0-100 (sha256 {DIGEST})"
    assert told_of(source("clouds", DIGEST)) == {"source": "clouds", "sha256": DIGEST}


def test_a_network_is_told_by_its_file_and_labelled_by_all_that_it_shows(tmp_path):
    (tmp_path / "mine.onnx").write_bytes(b"net")
    network = source(f"cnn:model={tmp_path}/mine.onnx", DIGEST)
    assert told_of(network)["source"] == "cnn:model=mine.onnx"
    assert told_of(network)["sha256"] != DIGEST
    assert label_of(network) == f"cnn:model=mine.onnx (sha256 {DIGEST})"


@pytest.mark.parametrize("place", ["https://me:CANARY@one.org/a/mask.tif?key=CANARY", "/vsis3/private/mask.tif"])
def test_files_of_one_name_on_two_servers_are_told_apart(place):
    here, there = source(place), source("https://two.org/mask.tif")
    assert label_of(here) != label_of(there)
    assert label_of(here).startswith("mask.tif (place ")
    assert not any(word in str(told_of(here)) for word in ("CANARY", "private", "one.org"))
    assert is_said(label_of(here), here)
    assert not is_said(label_of(there), here)
