"""Encoders that make the files of an experiment."""

import os
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from geosal.job.pipeline import complete
from geosal.job.plan import Plan, make_plan
from geosal.job.recipe import Recipe
from geosal.lab.experiments.images import Picture
from geosal.lab.experiments.jpegs.wish import Experiment


class Encoded(NamedTuple):
    """A file that was made."""

    bytes: int
    """Bytes of the image file, without what lies beside it."""
    quality: float | None
    """Quality of its quantisation tables; None where unknown."""


class Encoder(Protocol):
    """Makes one standard JPEG of an image."""

    @property
    def described(self) -> str:
        """Return a sentence about the encoder, for the report."""

    def plain(self, picture: Picture, output: str, quality: int) -> Encoded:
        """Make a plain JPEG of a quality."""

    def shaped(self, picture: Picture, output: str, quality: int, mode: str, saliency: str) -> Encoded:
        """Make a JPEG by saliency with the size of the plain one of a quality.

        Raises
        ------
        TargetError
            No setting gives that size.
        """


@dataclass(frozen=True)
class GeosalEncoder:
    """geosal's own JPEG: plain as libjpeg makes it, and by saliency, with the best Huffman codes in both."""

    wish: Experiment

    @property
    def described(self) -> str:
        """Return a sentence about the encoder."""
        return (
            f"Both by geosal's JPEG encoder, colour {':'.join(self.wish.subsampling)}, Huffman codes optimised; the "
            "plain JPEG has libjpeg's tables, and is of the untouched image."
        )

    def plain(self, picture: Picture, output: str, quality: int) -> Encoded:
        """Make a plain JPEG: every pixel is fully salient, so that nothing is treated."""
        options = self._options() | {"QUALITY": str(quality), "TABLES": "ANNEXK"}
        self._compress(picture, output, saliency="uniform:saliency=1", treatment=("smooth",), creation_options=options)
        return Encoded(os.path.getsize(output), float(quality))

    def shaped(self, picture: Picture, output: str, quality: int, mode: str, saliency: str) -> Encoded:
        """Make a JPEG by saliency, of the plain one's size."""
        done = self._compress(
            picture,
            output,
            saliency=saliency,
            treatment=(mode,),
            target_jpeg=quality,
            creation_options=self._options(),
        )
        return Encoded(os.path.getsize(output), done.profile.format.quality_of(done.target.own_encoder))

    def _options(self) -> dict[str, str]:
        return {"SUBSAMPLING": self.wish.subsampling}

    def _compress(self, picture: Picture, output: str, **options: Any) -> Plan:
        wish, reading = self.wish, picture.reading
        asked: dict[str, Any] = {"bidx": reading.bidx, "bands": reading.bands, "to_byte": reading.to_byte}
        given = {name: value for name, value in asked.items() if value}
        files = {"input": picture.path, "output": output, "overwrite": True}
        recipe = Recipe.from_mapping({**files, "steps": wish.steps, **given, **options})
        return complete(make_plan(recipe)).plan
