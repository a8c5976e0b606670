"""Export a trained network as an ONNX file that carries its card, to be run by onnxruntime alone."""

import copy
import io
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from geosal.errors import OutputError, VerificationError
from geosal.lab.training.centres import MULTIPLE, CentreNet, Exported
from geosal.lab.training.networks import MsRoi
from geosal.sources.network.card import ModelCard

OPSET = 17
INPUT, OUTPUTS, FOUND = "pixels", ("cam", "logits"), "found"
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
    still = _still(network)
    side = 4 * card.stride
    small = {0: "batch", 2: "map_y", 3: "map_x"}
    model = onnx.load_from_string(_trace(still, side, {OUTPUTS[0]: small, OUTPUTS[1]: {0: "batch"}}))
    for name, text in card.to_metadata().items():
        model.metadata_props.add(key=name, value=text)
    model.graph.name = f"msroi-{card.backbone}"
    _publish(still, model, (2, 3, 6 * card.stride, 5 * card.stride), path)


def export_detector(network: CentreNet, path: str) -> None:
    """Write a detector to `path` as YOLO's raw heads are laid out, and check it likewise.

    Batch, height and width are free; height and width are multiples of `MULTIPLE`.

    Raises
    ------
    OutputError
        The file cannot be written.
    VerificationError
        The written model gives another result than the network.
    """
    still = _still(Exported(network))
    model = onnx.load_from_string(_trace(still, 4 * MULTIPLE, {FOUND: {0: "batch", 2: "cell"}}))
    model.graph.name = "centres"
    _publish(still, model, (1, 3, 6 * MULTIPLE, 5 * MULTIPLE), path)


def _still(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network).to("cpu", memory_format=torch.contiguous_format).eval()


def _trace(network: nn.Module, side: int, outputs: Mapping[str, Mapping[int, str]]) -> bytes:
    """Make the graph, with batch norms folded into convolutions; `outputs` are names and the axes that are free."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is the old one; the new one needs another package and gives the same for these layers.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, side, side),),
            file,
            dynamo=False,
            input_names=[INPUT],
            output_names=list(outputs),
            dynamic_axes={INPUT: {0: "batch", 2: "y", 3: "x"}, **outputs},
            opset_version=OPSET,
        )
    return file.getvalue()


def _publish(network: nn.Module, model: onnx.ModelProto, shape: tuple[int, ...], path: str) -> None:
    """Check a model, and write it whole or not at all."""
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    _compare(network, content, shape, path)
    part = Path(f"{path}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; choose another place") from error


def _compare(network: nn.Module, content: bytes, shape: tuple[int, ...], path: str) -> None:
    try:
        import onnxruntime  # from the extra `cnn`; exporting does not need it
    except ImportError:
        return
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels))
    expected = expected if isinstance(expected, tuple) else (expected,)
    for told, want, got in zip(session.get_outputs(), expected, session.run(None, {INPUT: pixels}), strict=True):
        error = float(np.abs(want.numpy() - got).max())
        if not error <= TOLERANCE * max(1.0, float(want.abs().max())):
            raise VerificationError(
                f"{path}: onnxruntime's {told.name} differs from torch's by {error:.2g}; use other versions of the two"
            )
