"""Images with bright squares, and annotations of them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder of images with bright squares on noise, and COCO annotations of them; return the annotations."""

    def make(
        squares: dict[str, Sequence[tuple[int, int, int, int]]], size: int = 160, seed: int = 0, **changes: Any
    ) -> Path:
        chance = np.random.default_rng(seed)
        annotations: list[dict[str, Any]] = []
        for number, (name, boxes) in enumerate(squares.items(), start=1):
            pixels = chance.integers(40, 160, (size, size, 3)).astype(np.uint8)
            for left, top, right, bottom in boxes:
                pixels[top:bottom, left:right] = 240
                bbox = [left, top, right - left, bottom - top]
                annotations.append({"id": len(annotations), "image_id": number, "category_id": 1, "bbox": bbox})
            (tmp_path / "images").mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "images" / name)
        images = [
            {"id": n, "file_name": name, "width": size, "height": size} for n, name in enumerate(squares, start=1)
        ]
        document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "square"}]}
        path = tmp_path / "boxes.json"
        path.write_text(json.dumps(document | changes))
        return path

    return make
