"""The networks: features, global average pooling, one linear layer without bias; nothing fully connected in between.

Because the last layer is linear and has no bias, its weights make a map of each class from the features, and the mean
of that map is the class's logit: ``mean(cam[:, c]) == logits[:, c]``.
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from geosal.lab.training.settings import STRIDES

VGG16_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)
"""Channels of VGG16's 13 convolutions; 0 is a max-pool. The fifth pool is left out: the maps have stride 16."""
VGG16_HEAD = (32, 1024, 1024)
_HEAD_SD = 0.1


class MsRoi(nn.Module):
    """Features, then a map for each class and the logits.

    Parameters
    ----------
    features
        Maps normalised RGB ``(batch, 3, y, x)`` to ``(batch, channels, y / stride, x / stride)``.
    channels
        Channels of the features.
    classes
        Number of classes.
    stride
        Pixels of the input for one of the maps.
    """

    def __init__(self, features: nn.Module, channels: int, classes: int, stride: int) -> None:
        super().__init__()
        self.features = features
        self.classifier = nn.Conv2d(channels, classes, 1, bias=False)
        self.stride = stride
        nn.init.normal_(self.classifier.weight, std=channels**-0.5)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the maps ``(batch, class, y, x)`` and the logits ``(batch, class)``."""
        cam = self.classifier(self.features(pixels))
        return cam, cam.mean((2, 3))


class Vgg16Features(nn.Module):
    """VGG16 up to its last convolution, and the three convolutions of MS-ROI.

    `features` has the keys of torchvision's VGG16, so that its weights fit. The three have no ReLU between them in the
    original code; the paper's text gives them one, which `relu` does.
    """

    def __init__(self, *, relu: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for width in VGG16_WIDTHS:
            if width == 0:
                layers.append(nn.MaxPool2d(2, 2))
                continue
            convolution = nn.Conv2d(before, width, 3, padding=1)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
            layers += [convolution, nn.ReLU(inplace=True)]
            before = width
        self.features = nn.Sequential(*layers)
        reduced, deep, last = VGG16_HEAD
        head = [
            nn.Conv2d(before, reduced, 3, padding=1),
            nn.Conv2d(reduced, deep, 3, padding=1, groups=reduced),
            nn.Conv2d(deep, last, 3, padding=1),
        ]
        for convolution in head:
            nn.init.trunc_normal_(convolution.weight, std=_HEAD_SD, a=-2 * _HEAD_SD, b=2 * _HEAD_SD)
            nn.init.zeros_(convolution.bias)
        self.head = nn.Sequential(*(layer for one in head for layer in ((one, nn.ReLU()) if relu else (one,))))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return 1024 channels at a sixteenth of the resolution."""
        return self.head(self.features(pixels))


def separable(before: int, after: int, stride: int = 1) -> nn.Sequential:
    """Convolve each channel by itself, then mix them."""
    return nn.Sequential(
        nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False),
        nn.BatchNorm2d(before),
        nn.ReLU(),
        nn.Conv2d(before, after, 1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


class Residual(nn.Module):
    """A separable convolution that is added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = separable(channels, channels)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Add."""
        return pixels + self.inner(pixels)


def compact_features(width: int = 32, depth: int = 4) -> nn.Sequential:
    """Make a small network of separable convolutions: ``8 * width`` channels at an eighth of the resolution."""
    return nn.Sequential(
        nn.Conv2d(3, width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        separable(width, 2 * width),
        separable(2 * width, 4 * width, 2),
        Residual(4 * width),
        separable(4 * width, 8 * width, 2),
        *(Residual(8 * width) for _ in range(depth)),
    )


def _vgg16(classes: int, *, head_relu: bool) -> MsRoi:
    return MsRoi(Vgg16Features(relu=head_relu), VGG16_HEAD[-1], classes, STRIDES["vgg16"])


def _compact(classes: int, *, head_relu: bool) -> MsRoi:  # noqa: ARG001  its layers all have a ReLU
    return MsRoi(compact_features(), 256, classes, STRIDES["compact"])


_BACKBONES: Mapping[str, Callable[..., MsRoi]] = {"vgg16": _vgg16, "compact": _compact}


def make_network(backbone: str, classes: int, *, head_relu: bool = False) -> MsRoi:
    """Make the network of a backbone, with random weights from torch's generator."""
    return _BACKBONES[backbone](classes, head_relu=head_relu)


def count_parameters(network: nn.Module) -> int:
    """Count what is learned."""
    return sum(parameter.numel() for parameter in network.parameters())
