from dataclasses import asdict

import pytest

from geosal.errors import UsageError
from geosal.lab.training.settings import BACKBONES, RECIPES, Settings


def test_defaults_are_the_papers():
    settings = Settings.of("vgg16", "paper", {})
    assert settings == Settings()
    assert (settings.size, settings.epochs, settings.batch) == (224, 100, 32)
    assert (settings.optimizer, settings.learning_rate, settings.schedule) == ("adam", 1e-4, "constant")
    assert (settings.rotation, settings.zoom, settings.flips, settings.validation) == (30, 0.3, True, 15)
    assert (settings.average, settings.mosaic, settings.jitter, settings.label_smoothing) == (0, 0, 0, 0)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_what_the_user_says_counts_most(backbone: str, recipe: str):
    settings = Settings.of(backbone, recipe, {"epochs": 3, "size": 32, "data": "not a setting"})
    assert (settings.backbone, settings.epochs, settings.size) == (backbone, 3, 32)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0}, {"batch": 1}, {"learning_rate": 0.0}, {"zoom": 1.0}, {"rotation": 181.0}, {"average": 1.0},
        {"mosaic": 2.0}, {"validation": 0}, {"test": -1}, {"seed": -1}, {"optimizer": "sgd"}, {"schedule": "linear"},
        {"label_smoothing": 1.0}, {"jitter": -0.1}, {"weight_decay": -1.0}, {"learning_rate": float("nan")},
        {"size": 0}, {"size": 5000}, {"size": 100},
    ],
)  # fmt: skip
def test_refusals_name_the_option(change: dict[str, object]):
    with pytest.raises(UsageError, match="--" + next(iter(change)).replace("_", "-")):
        Settings(**asdict(Settings()) | change)
