"""Export a trained network as an ONNX file that carries its card, to be run by onnxruntime alone."""

import copy
import io
import os
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from geosal.errors import OutputError, VerificationError
from geosal.lab.training.networks import MsRoi
from geosal.sources.network.card import ModelCard

OPSET = 17
INPUT, OUTPUTS = "pixels", ("cam", "logits")
TOLERANCE = 1e-4
"""Largest difference, as a share of the largest value: two orders of the same float32 sums stay well below."""


def export(network: MsRoi, card: ModelCard, path: str) -> None:
    """Write a network and its card to `path`, and check that onnxruntime, where there is one, gives the same.

    Batch, height and width are free; height and width are multiples of the card's stride.

    Raises
    ------
    OutputError
        The file cannot be written.
    VerificationError
        The written model gives another result than the network.
    """
    still = copy.deepcopy(network).to("cpu", memory_format=torch.contiguous_format).eval()
    model = onnx.load_from_string(_trace(still, card))
    for name, text in card.to_metadata().items():
        model.metadata_props.add(key=name, value=text)
    model.graph.name = f"msroi-{card.backbone}"
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    _compare(still, content, card, path)
    part = Path(f"{path}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; choose another place") from error


def _trace(network: MsRoi, card: ModelCard) -> bytes:
    """Make the graph, with batch norms folded into convolutions."""
    file = io.BytesIO()
    example = torch.zeros(1, 3, 4 * card.stride, 4 * card.stride)
    free = {0: "batch", 2: "y", 3: "x"}
    small = {0: "batch", 2: "map_y", 3: "map_x"}
    with warnings.catch_warnings():
        # The tracing exporter is the old one; the new one needs another package and gives the same for these layers.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (example,),
            file,
            dynamo=False,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={INPUT: free, OUTPUTS[0]: small, OUTPUTS[1]: {0: "batch"}},
            opset_version=OPSET,
        )
    return file.getvalue()


def _compare(network: MsRoi, content: bytes, card: ModelCard, path: str) -> None:
    try:
        import onnxruntime  # from the extra `cnn`; exporting does not need it
    except ImportError:
        return
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).standard_normal((2, 3, 6 * card.stride, 5 * card.stride)).astype(np.float32)
    with torch.inference_mode():
        expected = [one.numpy() for one in network(torch.from_numpy(pixels))]
    for name, want, got in zip(OUTPUTS, expected, session.run(list(OUTPUTS), {INPUT: pixels}), strict=True):
        error = float(np.abs(want - got).max())
        if not error <= TOLERANCE * max(1.0, float(np.abs(want).max())):
            raise VerificationError(
                f"{path}: onnxruntime's {name} differs from torch's by {error:.2g}; use other versions of the two"
            )
