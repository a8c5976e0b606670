import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geosal.errors import GeosalError, SceneError, UsageError
from geosal.lab.training.folders import Listing
from geosal.lab.training.pictures import Pictures, Split
from geosal.lab.training.settings import Settings

torch = pytest.importorskip("torch")

from geosal.lab.training.augment import augment, mosaic, normalise, unmosaic  # noqa: E402
from geosal.lab.training.learning import Learner  # noqa: E402

SETTINGS = replace(Settings.of("compact", "brisk", {}), size=16, epochs=4, batch=8, validation=2, test=2, average=0.5)


@pytest.fixture(scope="module")
def pictures(class_tar: Path, tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return Pictures.load(Listing.of(str(class_tar)), 16, tmp_path_factory.mktemp("cache") / "samples.npy")


def _learner(pictures: Pictures, place: Path, settings: Settings = SETTINGS, **more: object) -> Learner:
    place.mkdir(exist_ok=True)
    split = Split.last(pictures.labels, pictures.classes, settings.validation, settings.test)
    return Learner(pictures, split, settings, str(place), **more)


def _same(one: Learner, other: Learner) -> bool:
    mine, its = one.average.state_dict(), other.average.state_dict()
    return all(torch.equal(value, its[name]) for name, value in mine.items())


def test_it_learns(pictures: Pictures, tmp_path: Path):
    lines = []
    learner = _learner(pictures, tmp_path, replace(SETTINGS, epochs=15, learning_rate=0.01, jitter=0.0))
    learner.run(lines.append)
    assert lines[-1].loss < lines[0].loss
    assert learner.judge(learner.split.test, learner.best).accuracy >= 0.8


def test_the_paper_recipe_lowers_the_loss(pictures: Pictures, tmp_path: Path):
    settings = replace(Settings(), backbone="compact", size=16, epochs=4, batch=8, validation=2, learning_rate=1e-3)
    lines = []
    _learner(pictures, tmp_path, settings).run(lines.append)
    assert lines[-1].loss < lines[0].loss


def test_one_seed_gives_one_network_and_a_resumed_run_the_same(pictures: Pictures, tmp_path: Path):
    whole = _learner(pictures, tmp_path / "a")
    whole.run(None)
    first = _learner(pictures, tmp_path / "b")
    first.run(None, seconds=0)  # one epoch at least
    assert first.epoch == 1
    second = _learner(pictures, tmp_path / "b")
    second.resume()
    second.run(None)
    assert second.epoch == 4
    assert _same(whole, second)
    assert whole.best_accuracy == second.best_accuracy
    other = _learner(pictures, tmp_path / "c", replace(SETTINGS, seed=1))
    other.run(None)
    assert not _same(whole, other)


def test_the_log_has_a_line_for_each_epoch(pictures: Pictures, tmp_path: Path):
    _learner(pictures, tmp_path).learn_epoch()
    behind = _learner(pictures, tmp_path)
    behind.resume()
    (tmp_path / "log.csv").open("a").write("2,a line of a run that was stopped before its checkpoint\n")
    behind.run(None)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert all(0 <= float(row["validation_accuracy"]) <= 1 and float(row["loss"]) > 0 for row in rows)


def test_resuming_another_run_is_refused(pictures: Pictures, tmp_path: Path):
    _learner(pictures, tmp_path).learn_epoch()
    with pytest.raises(UsageError, match=r"was made with --learning-rate 0\.004, not 0\.1"):
        _learner(pictures, tmp_path, replace(SETTINGS, learning_rate=0.1)).resume()
    with pytest.raises(UsageError, match="--epochs"):  # the one-cycle depends on them
        _learner(pictures, tmp_path, replace(SETTINGS, epochs=9)).resume()
    fewer = replace(pictures, samples=pictures.samples[:24], labels=pictures.labels[:24], classes=("blue", "green"))
    with pytest.raises(UsageError, match="36 pictures of 3 classes"):
        _learner(fewer, tmp_path).resume()
    (tmp_path / "checkpoint.pt").write_bytes(b"rubbish")
    with pytest.raises(SceneError, match=r"checkpoint\.pt"):
        _learner(pictures, tmp_path).resume()
    for others in ({"a": 1}, {"model": {}, "optimizer": {}, "epoch": 3}, [1]):
        torch.save(others, tmp_path / "checkpoint.pt")
        with pytest.raises(UsageError, match="is no checkpoint"):
            _learner(pictures, tmp_path).resume()


def test_resuming_with_other_pictures_is_refused(pictures: Pictures, tmp_path: Path):
    _learner(pictures, tmp_path).learn_epoch()
    others = replace(pictures, samples=255 - pictures.samples)
    with pytest.raises(UsageError, match="as many pictures, but others"):
        _learner(others, tmp_path).resume()


@pytest.mark.parametrize("name", ["network", "optimizer", "epoch"])
def test_a_checkpoint_that_does_not_fit_is_one_line(pictures: Pictures, tmp_path: Path, name: str):
    _learner(pictures, tmp_path).learn_epoch()
    state = torch.load(tmp_path / "checkpoint.pt")
    state[name] = "nothing" if name == "epoch" else {}
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(SceneError, match="does not fit the network") as caught:
        _learner(pictures, tmp_path).resume()
    assert "\n" not in str(caught.value)


def test_a_checkpoint_is_not_written_all_the_time(pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    learner = _learner(pictures, tmp_path)
    monkeypatch.setattr("geosal.lab.training.learning._SAVE_SHARE", 1e6)
    for _ in range(3):
        learner.learn_epoch()
    behind = _learner(pictures, tmp_path)
    behind.resume()
    assert behind.epoch == 1
    learner.run(None)
    behind.resume()
    assert behind.epoch == 4


def test_more_epochs_may_follow_a_constant_rate(pictures: Pictures, tmp_path: Path):
    constant = replace(SETTINGS, schedule="constant", epochs=1)
    _learner(pictures, tmp_path, constant).run(None)
    more = _learner(pictures, tmp_path, replace(constant, epochs=2))
    more.resume()
    more.run(None)
    assert more.epoch == 2


def test_a_loss_that_is_none_stops_the_run(pictures: Pictures, tmp_path: Path):
    learner = _learner(pictures, tmp_path)
    torch.nn.init.constant_(learner.network.classifier.weight, float("nan"))
    with pytest.raises(GeosalError, match="the loss is nan; learn with a lower --learning-rate"):
        learner.learn_epoch()
    assert not (tmp_path / "checkpoint.pt").exists()


def test_weights_of_another_backbone(pictures: Pictures, tmp_path: Path):
    with pytest.raises(UsageError, match="--vgg16-weights: the compact backbone"):
        _learner(pictures, tmp_path, vgg16_weights="x.pth")


def test_one_cycle_goes_up_and_down(pictures: Pictures, tmp_path: Path):
    learner = _learner(pictures, tmp_path)
    total = learner.steps_per_epoch * 4
    rates = []
    for learner.step in range(total + 1):
        rates.append(learner._rate())
    top = int(np.argmax(rates))
    assert max(rates) <= SETTINGS.learning_rate
    assert 0 < top < total / 2
    assert np.all(np.diff(rates[top:]) < 0)
    assert rates[-1] < 0.01 * SETTINGS.learning_rate


def test_mosaic_and_back():
    pixels = torch.arange(8 * 3 * 4 * 4, dtype=torch.float32).view(8, 3, 4, 4)
    laid = mosaic(pixels)
    assert laid.shape == (2, 3, 8, 8)
    assert torch.equal(laid[0, :, :4, 4:], pixels[1])
    assert torch.equal(unmosaic(laid), pixels)


def test_augmentation_without_chance_changes_nothing():
    still = replace(SETTINGS, rotation=0.0, zoom=0.0, flips=False, quarter_turns=False, jitter=0.0)
    pixels = torch.randn(4, 3, 16, 16)
    torch.testing.assert_close(augment(pixels, still, torch.Generator()), pixels)


def test_flips_and_quarter_turns_move_whole_pixels():
    turning = replace(SETTINGS, rotation=0.0, zoom=0.0, jitter=0.0)
    pixels = torch.randn(1, 3, 16, 16).expand(64, -1, -1, -1)
    moved = augment(pixels, turning, torch.Generator().manual_seed(0))
    turns = [torch.rot90(pixels[0], k, (1, 2)) for k in range(4)]
    ways = [*turns, *(one.flip(1) for one in turns)]
    seen = {min(range(8), key=lambda way: float((ways[way] - one).abs().max())) for one in moved}
    assert seen == set(range(8))
    assert all(min(float((way - one).abs().max()) for way in ways) < 1e-3 for one in moved)


def test_normalising():
    samples = torch.tensor([[[[0, 128, 255]]]], dtype=torch.uint8)
    got = normalise(samples, (0.5, 0.5, 0.5), (0.5, 0.25, 0.5))
    assert got.shape == (1, 3, 1, 1)
    np.testing.assert_allclose(got.flatten(), [-1, (128 / 255 - 0.5) / 0.25, 1], atol=1e-6)
