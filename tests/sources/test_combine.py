import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import dask.base
import numpy as np
import pytest
from affine import Affine

from geosal.core.grid import Block, Grid
from geosal.errors import GeosalWarning, UsageError
from geosal.sources import Saliency, Source, open_saliency

HERE = Block(0, 0, 1, 5)


@dataclass(frozen=True)
class Said:
    """A source that says the given values in one row of five pixels; None is nothing."""

    values: tuple[float | None, ...]
    kind: str = "interest"
    text: str = "said"
    fingerprint: ClassVar[None] = None

    def read(self, block: Block) -> np.ndarray:
        return np.array([self.values], dtype=np.float32)


@dataclass(frozen=True)
class Grounded(Said):
    """One that has a background."""

    background: float = 0.3


LEFT = Said((0.2, 0.8, None, 0.5, None))
RIGHT = Said((0.6, 0.4, 0.3, None, None))
CLOUD = Said((0, 1, 1, 0, None), "exclusion")


def combined(sources: tuple[Said, ...], combine: str | None = None, outside: str = "keep") -> list[float]:
    grid = Grid(None, Affine.identity(), 1, 5)
    return Saliency(grid=grid, sources=sources, combine=combine, outside=outside).read(HERE)[0].round(6).tolist()


@pytest.mark.parametrize(
    ("sources", "combine", "expected"),
    [
        ((LEFT, RIGHT), None, [0.6, 0.8, 0.3, 0.5, 1]),
        ((LEFT, RIGHT), "max", [0.6, 0.8, 0.3, 0.5, 1]),
        ((LEFT, RIGHT), "min", [0.2, 0.4, 0.3, 0.5, 1]),
        ((LEFT, RIGHT), "mean", [0.4, 0.6, 0.3, 0.5, 1]),
        ((LEFT, RIGHT), "product", [0.12, 0.32, 0.3, 0.5, 1]),
        ((LEFT, CLOUD, RIGHT), None, [0, 0.8, 0.3, 0, 1]),
        ((LEFT, CLOUD, RIGHT), "max", [0.6, 1, 1, 0.5, 1]),
        ((CLOUD,), None, [0, 1, 1, 0, 1]),
        ((LEFT,), None, [0.2, 0.8, 1, 0.5, 1]),
    ],
)
def test_sources_unite(sources, combine, expected):
    assert combined(sources, combine) == pytest.approx(expected)


@pytest.mark.parametrize("combine", [None, "max", "min", "mean", "product"])
def test_outside_blur_is_0_where_no_source_speaks(combine):
    assert combined((LEFT, RIGHT), combine, "blur")[4] == 0
    assert combined((LEFT, RIGHT), combine, "blur")[:4] == combined((LEFT, RIGHT), combine)[:4]


def test_no_cloud_is_no_interest():
    """Outside the mask `blur` holds, even where an exclusion says that nothing is excluded."""
    assert combined((LEFT, CLOUD), None, "blur") == pytest.approx([0, 0.8, 0, 0, 0])


def test_known_is_where_any_source_speaks():
    saliency = Saliency(grid=Grid(None, Affine.identity(), 1, 5), sources=(LEFT, RIGHT))
    assert saliency.read_known(HERE)[1].tolist() == [[True, True, True, True, False]]
    alone = Saliency(grid=saliency.grid, sources=(LEFT,))
    assert alone.read_known(HERE)[1].tolist() == [[True, True, False, True, False]]


def test_an_exclusion_does_not_say_what_matters():
    """Without interest it does; and by a rule all sources count alike."""
    grid = Grid(None, Affine.identity(), 1, 5)
    for combine, due in ((None, [True, True, False, True, False]), ("min", [True, True, True, True, True])):
        known = Saliency(grid=grid, sources=(LEFT, CLOUD), combine=combine).read_known(HERE)[1]
        assert known[0, :4].tolist() == due[:4]
    assert Saliency(grid=grid, sources=(CLOUD,)).read_known(HERE)[1].any()


def test_an_exclusion_does_not_hide_what_is_not_covered(grid, make_mask, random_mask):
    path = make_mask(random_mask, transform=Affine(100, 0, 400000 - 2600, 0, -100, 5000100))
    classes = make_mask(np.full((32, 42), 4, np.uint8), name="scl.tif")
    sources, labels = [path, f"clouds:from={classes},as=scl"], []
    for outside in ("keep", "blur"):
        with pytest.warns(GeosalWarning, match=r"mask.tif: covers 40.0% of the scene"):
            saliency = open_saliency(sources, grid, outside=outside)
        assert saliency.coverage == pytest.approx(0.4)
        assert saliency.read_known(grid.whole())[1].mean() == pytest.approx(0.4)
        labels.append(saliency.label)
    assert labels[0].endswith("; outside=keep")
    assert labels[1].endswith("; outside=blur")


def test_the_label_tells_the_background(grid, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("xmin,ymin,xmax,ymax\n3,4,50,60\n")
    assert open_saliency([str(path)], grid, background=0.6).label.endswith("; background=0.6")
    assert "; background" not in open_saliency([str(path)], grid).label
    own = open_saliency([f"{path}:background=0.25"], grid)
    assert "; background" not in own.label


def test_mean_of_equal_values_is_that_value():
    """A rounding error would move the pixel to another kernel."""
    assert combined((Said((0.8,) * 5),) * 3, "mean") == combined((Said((0.8,) * 5),))


@pytest.mark.parametrize(
    ("sources", "options", "words"),
    [
        ([], {}, "no source given"),
        ("half", {}, "one text where a list of them is wanted"),
        (["half"], {"combine": "median"}, "combine=median: no such rule; use max, min, mean, product"),
        (["half"], {"outside": "drop"}, "outside=drop: no such rule; use keep or blur"),
    ],
)
def test_what_cannot_work_is_refused(grid, sources, options, words):
    with pytest.raises(UsageError, match=words):
        open_saliency(sources, grid, **options)


def test_synthetic_sources_cover_all_without_a_word(grid):
    assert open_saliency(["half", "perlin"], grid).coverage == 1.0


def test_trial_14_partial_coverage_is_a_warning_with_the_share(grid, make_mask, random_mask):
    path = make_mask(random_mask, transform=Affine(100, 0, 400000 - 2600, 0, -100, 5000100))
    with pytest.warns(GeosalWarning, match=r"covers 40.0% of the scene; the rest is kept as it is") as caught:
        saliency = open_saliency([path], grid)
    assert len(caught) == 1
    assert saliency.coverage == pytest.approx(0.4)
    values, known = saliency.read_known(grid.whole())
    assert known.mean() == pytest.approx(0.4)
    assert (values[~known] == 1).all()
    with pytest.warns(GeosalWarning, match=r"the rest is blurred most"):
        values = open_saliency([path], grid, outside="blur").read(grid.whole())
    assert (values[~known] == 0).all()


def test_two_masks_cover_more_than_one(grid, make_mask, random_mask):
    left = make_mask(random_mask, transform=Affine(100, 0, 400000 - 2200, 0, -100, 5000100), name="left.tif")
    right = make_mask(random_mask, transform=Affine(100, 0, 400000 + 1900, 0, -100, 5000100), name="right.tif")
    assert open_saliency([left, right], grid).coverage == 1.0


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("elsewhere/mask.tif (sha256 {digest}) + perlin:seed=3; combine=mean", True),
        ("mask.tif (sha256 {digest}) + perlin:seed=3; combine=mean", True),
        ("mask.tif (sha256 0{digest}) + perlin:seed=3; combine=mean", False),
        ("mask.tif:range=0-200 (sha256 {digest}) + perlin:seed=3; combine=mean", False),
        ("mask.geojson (sha256 {digest}) + perlin:seed=3; combine=mean", False),
        ("mask.tif (sha256 {digest}) + perlin:seed=4; combine=mean", False),
        ("mask.tif (sha256 {digest}) + perlin:seed=3; combine=max", False),
        ("mask.tif (sha256 {digest}) + perlin:seed=3", False),
        ("mask.tif (sha256 {digest}); combine=mean", False),
        ("", False),
    ],
)
def test_a_label_is_the_same_wherever_its_files_lie(grid, make_mask, random_mask, other, same):
    saliency = open_saliency([make_mask(random_mask), "perlin:seed=3"], grid, combine="mean")
    assert saliency.is_labelled(saliency.label)
    assert saliency.is_labelled(other.format(digest=saliency.sources[0].fingerprint)) == same


def test_a_background_is_told_also_where_the_path_has_its_name(grid):
    said = Grounded((0,), text="background=1/a.gpkg")
    assert Saliency(grid=grid, sources=(said,)).label.endswith("); background=0.3")
    said = Grounded((0,), text="a.gpkg:background=0.3")
    assert Saliency(grid=grid, sources=(said,)).label.endswith(")")


def test_the_label_is_one_line_with_hash_and_rule_and_without_secrets(grid, make_mask, random_mask):
    path = make_mask(random_mask)
    saliency = open_saliency([path, "perlin:seed=3"], grid, combine="mean")
    digest = saliency.sources[0].fingerprint
    assert digest is not None
    assert saliency.label == f"mask.tif (sha256 {digest}) + perlin:seed=3; combine=mean"
    secret = Said((0,), text="https://user:CANARY@host/mask.tif?X-Amz-Signature=CANARY")
    assert "CANARY" not in Saliency(grid=grid, sources=(secret,)).label


def test_saliency_travels_small_and_gives_the_same_bits(grid, make_mask):
    mask = np.random.default_rng(1).integers(0, 256, (700, 900), dtype=np.uint8)
    path = make_mask(mask, transform=Affine(10, 0, 399000, 0, -10, 5001000))
    saliency = open_saliency([f"{path}:resampling=bilinear", "perlin"], grid)
    parcel = pickle.dumps(saliency)
    assert len(parcel) < 16384
    np.testing.assert_array_equal(pickle.loads(parcel).read(grid.whole()), saliency.read(grid.whole()))


def test_dask_tokens_follow_the_content(grid, make_mask, random_mask):
    def token(*sources: str, **options: str) -> str:
        return dask.base.tokenize(open_saliency(sources, grid, **options))

    path = make_mask(random_mask)
    before = token(path)
    assert token(path) == before
    tokens = {before, token("half"), token("perlin"), token("perlin:seed=1"), token(path, outside="blur")}
    make_mask(255 - random_mask)
    assert len(tokens | {token(path)}) == 6


def test_every_source_of_ours_meets_the_protocol(grid, make_mask, random_mask):
    texts = ["half", "grid", "uniform", "perlin", make_mask(random_mask)]
    sources: tuple[Source, ...] = open_saliency(texts, grid).sources
    rows, cols = np.array([0, 7, 299]), np.array([1, 399])
    for source in sources:
        assert source.kind == "interest"
        assert source.text in texts
        assert source.known(rows, cols).tolist() == [[True, True]] * 3
        values = source.read(Block(5, 6, 7, 8))
        assert (values.shape, values.dtype) == ((7, 8), np.float32)
        assert values.flags.writeable


def test_a_name_in_the_working_directory_does_not_hide_the_built_in(grid, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("half").touch()
    assert open_saliency(["half"], grid).read(Block(0, 0, 1, 1)).item() == 1


def weighted(sources: tuple[Said, ...], *weights: float) -> list[float]:
    grid = Grid(None, Affine.identity(), 1, 5)
    return Saliency(grid=grid, sources=sources, combine="weighted", weights=weights).read(HERE)[0].round(6).tolist()


def test_a_weighted_mean_counts_who_speaks():
    assert weighted((LEFT, RIGHT), 3, 1) == pytest.approx([0.3, 0.7, 0.3, 0.5, 1])
    assert weighted((LEFT, RIGHT), 2, 2) == combined((LEFT, RIGHT), "mean")
    assert weighted((LEFT, CLOUD), 1, 1e-6) == pytest.approx([0.2, 0.8, 1, 0.5, 1], abs=1e-5)


def test_ones_stay_one_whatever_the_weights():
    ones = Said((1, 1, 1, 1, 1))
    assert weighted((ones, ones, ones), 0.1, 0.7, 1e-6) == [1] * 5


def test_weights_are_parameters_of_any_source(grid, make_mask, random_mask):
    path = make_mask(random_mask)
    saliency = open_saliency(["half:weight=3", f"{path}:weight=0.5,range=0-255", "perlin"], grid, combine="weighted")
    assert saliency.weights == (3, 0.5, 1)
    half, mask, perlin = (open_saliency([text], grid).read(grid.whole()) for text in ("half", path, "perlin"))
    np.testing.assert_allclose(saliency.read(grid.whole()), (3 * half + 0.5 * mask + perlin) / 4.5, rtol=1e-6)
    assert saliency.label.startswith("half:weight=3 + ")
    assert saliency.label.endswith("; combine=weighted")
    light = open_saliency(["half:weight=2", f"{path}:weight=0.5,range=0-255", "perlin"], grid, combine="weighted")
    assert dask.base.tokenize(light) != dask.base.tokenize(saliency)


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "much"])
def test_a_weight_that_cannot_be_is_refused(weight, grid):
    with pytest.raises(UsageError, match="weight is a number from 1e-06 to 1000000"):
        open_saliency([f"half:weight={weight}", "perlin"], grid, combine="weighted")


@pytest.mark.parametrize("combine", [None, "mean", "max"])
def test_a_weight_without_the_weighted_mean_is_refused(combine, grid):
    with pytest.raises(UsageError, match="add --combine weighted"):
        open_saliency(["half:weight=2", "perlin"], grid, combine=combine)


def test_what_has_not_been_tried_could_help() -> None:
    def untried(*sources: Said, coverage: float = 0.6, outside: str = "keep") -> tuple[str, ...]:
        grid = Grid(None, Affine.identity(), 1, 5)
        return Saliency(grid=grid, sources=sources, coverage=coverage, outside=outside).untried

    assert untried(LEFT) == ("--outside blur",)
    assert untried(LEFT, outside="blur") == untried(LEFT, coverage=1) == untried(CLOUD) == ()
    assert untried(Grounded((1, 1, 1, 1, 1)), coverage=1) == ("--background 0",)
