"""Small pictures made at run time, and an encoder that stands in for geosal's so that tests are quick."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geosal.errors import TargetError
from geosal.lab.experiments.images import Picture
from geosal.lab.experiments.jpegs import Encoded, Experiment, Figures, MapFacts, Outcome, Trial
from geosal.lab.experiments.jpegs.outcome import JPEG

TWOPASS = "twopass:low=30,high=70"


@dataclass
class Stand:
    """Pillow's JPEG; by saliency it is one of another quality that claims the plain one's size.

    Attributes
    ----------
    shift
        What is added to the quality in each mode.
    off
        Percent by which it claims to be larger.
    missing
        Qualities that it says it cannot reach.
    """

    shift: Mapping[str, int] = field(default_factory=lambda: {TWOPASS: -10, "quality": 10})
    off: float = 0.5
    missing: tuple[int, ...] = ()
    calls: list[tuple[str, int, str]] = field(default_factory=list)
    described: str = "Pillow's JPEG."

    def plain(self, picture: Picture, output: str, quality: int) -> Encoded:
        self.calls.append((Path(picture.path).name, quality, JPEG))
        return self._encode(picture.path, output, quality)

    def shaped(self, picture: Picture, output: str, quality: int, mode: str, saliency: str) -> Encoded:
        self.calls.append((Path(picture.path).name, quality, mode))
        assert Path(saliency.partition(":")[0]).is_file()
        if quality in self.missing:
            raise TargetError(f"--target-jpeg {quality}: the nearest was 3 % off")
        made = self._encode(picture.path, output, quality + self.shift[mode])
        plain = self._encode(picture.path, f"{output}.plain.jpg", quality)
        return Encoded(round(plain.bytes * (1 + self.off / 100)), made.quality)

    @staticmethod
    def _encode(image: str, output: str, quality: int) -> Encoded:
        with Image.open(image) as picture:
            picture.save(output, "JPEG", quality=quality, optimize=True)
        return Encoded(Path(output).stat().st_size, float(quality))


@pytest.fixture
def stand() -> Stand:
    return Stand()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures: two in colour, one grey; none has georeferencing, one is smaller than MS-SSIM's windows reach."""
    place = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(7)
    for name, shape in (("a.png", (200, 240, 3)), ("b.tif", (90, 64, 3)), ("c.jpg", (190, 180))):
        row, col = np.mgrid[: shape[0], : shape[1]]
        waves = 90 * np.sin(row / 5 + col / 11) + 30 * ((row // 24 + col // 16) % 3)
        noise = rng.normal(0, 12, shape)
        pixels = np.clip(110 + (waves[..., np.newaxis] if len(shape) == 3 else waves) + noise, 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(place / name)
    (place / "notes.txt").write_text("no image")
    return place


@pytest.fixture
def wish(folder: Path, tmp_path: Path) -> Callable[..., Experiment]:
    """An experiment on these pictures; keywords are keys of its YAML."""

    def make(**changes: object) -> Experiment:
        given = {"images": str(folder), "output": str(tmp_path / "out"), "saliency": "half", "passes": 2}
        return Experiment.from_mapping(given | {"qualities": [30, 50]} | changes)

    return make


def figures(psnr: float, ssim: float = 0.9) -> Figures:
    return Figures(65025 / 10 ** (psnr / 10), psnr, ssim, ssim + 0.05)


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    """Two images in figures that are easy to reckon with: +1 dB and +3 dB by saliency, at Q 50 alone."""
    wish = Experiment.from_mapping(
        {"images": {"Towns": "towns"}, "output": str(tmp_path), "qualities": [50], "modes": [TWOPASS]}
    )
    trials = []
    for image, psnr, gain, size in (("bird", 30.0, 1.0, 2000), ("truck", 34.0, 3.0, 4000)):
        for method, more, count in ((JPEG, 0.0, size), (TWOPASS, gain, size + 10)):
            parts = {
                "whole": figures(psnr + more, 0.9 + more / 100),
                "salient": figures(psnr + 2 * more),
                "background": figures(psnr - more),
            }
            trials.append(
                Trial(
                    collection="Towns", image=image, quality=50, method=method, bytes=count, reference_bytes=size,
                    final_quality=50 + more, parts=parts,
                )
            )  # fmt: skip
    maps = [
        MapFacts(
            collection="Towns", image=image, width=640, height=480, bands=3, passes=5, differing=0,
            largest_difference=0.0, mean=0.25, salient=share,
        )
        for image, share in (("bird", 0.1), ("truck", 0.6))
    ]  # fmt: skip
    return Outcome(wish=wish, encoder="A stand-in.", maps=tuple(maps), trials=tuple(trials))
