"""VGG16's own weights, from a file that the user has."""

import pickle
from typing import Any

import torch

from geosal.errors import SceneError
from geosal.lab.training.networks import Vgg16Features

_EXPECTED = "a state dict of torchvision's VGG16, such as vgg16-397923af.pth"


def read_torch(path: str, expected: str) -> Any:
    """Read a file that torch has saved, with tensors and plain values only: a file with code is refused.

    Raises
    ------
    SceneError
        The file is missing, is no torch file, or holds more than tensors.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise SceneError(f"{path}: no such file; give {expected}") from error
    except pickle.UnpicklingError as error:
        raise SceneError(f"{path}: is no file of torch's, or holds more than tensors; give {expected}") from error
    except Exception as error:  # torch's reader raises any type for foreign bytes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SceneError(f"{path}: cannot be read by torch ({reason}); give {expected}") from error


def load_vgg16(network: Vgg16Features, path: str) -> None:
    """Give the 13 convolutions the weights of a torchvision state dict; its classifier is ignored.

    Raises
    ------
    SceneError
        The file is no state dict, or that of another network.
    """
    state = read_torch(path, _EXPECTED)
    if not isinstance(state, dict):
        raise SceneError(f"{path}: holds a {type(state).__name__}, not a state dict; give {_EXPECTED}")
    given = {key: value for key, value in state.items() if isinstance(key, str) and key.startswith("features.")}
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items() if key.startswith("features.")}
    found = {key: tuple(value.shape) for key, value in given.items() if isinstance(value, torch.Tensor)}
    if wrong := sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)):
        first = wrong[0]
        raise SceneError(
            f"{path}: {first} is {_shape(found.get(first))} and should be {_shape(wanted.get(first))} "
            f"({len(wrong)} tensors differ); give {_EXPECTED}"
        )
    network.load_state_dict(given, strict=False)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else "x".join(map(str, shape)) or "a number"
