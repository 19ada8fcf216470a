"""The cone network: a narrow U-Net on a 2 by 2 folded image.

Rule of the file: the network and nothing of its training. After Ronneberger et al. 2015 (U-Net); the image is folded
(space to depth) on entry and the logits unfolded on exit, which quarters the cost of the widest level on a CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

WIDTHS = (16, 32, 48, 80, 128)
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input's side."""


def _convolutions(before: int, after: int, *, dilation: int = 1) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index, step in enumerate((1, dilation)):
        layers += [
            nn.Conv2d(before if index == 0 else after, after, 3, padding=step, dilation=step, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class ConeNet(nn.Module):
    """Logits of the ultrasound cone.

    Parameters
    ----------
    widths
        Channels per level, finest first.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        befores = (4, *widths[:-1])
        last = len(widths) - 1
        self.down = nn.ModuleList(
            _convolutions(before, after, dilation=2 if level == last else 1)
            for level, (before, after) in enumerate(zip(befores, widths, strict=True))
        )
        self.up = nn.ModuleList(
            _convolutions(widths[level] + widths[level + 1], widths[level]) for level in reversed(range(last))
        )
        self.head = nn.Conv2d(widths[0], 4, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Compute logits.

        Parameters
        ----------
        image
            float32 (batch, 1, 256, 256), grey of 0 to 1. The square root lifts the dark far field.

        Returns
        -------
        torch.Tensor
            float32 (batch, 1, 256, 256); above 0 means cone.
        """
        x = functional.pixel_unshuffle(torch.sqrt(image + 1e-4), 2)
        kept: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else functional.max_pool2d(x, 2))
            kept.append(x)
        kept.pop()
        for block in self.up:
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, kept.pop()], dim=1))
        return functional.pixel_shuffle(self.head(x), 2)


class ConeProbability(nn.Module):
    """The exported network: as `ConeNet`, with probabilities of 0 to 1 instead of logits."""

    def __init__(self, net: ConeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        """Compute probabilities, float32 (batch, 1, 256, 256), from the same input as `ConeNet`."""
        return torch.sigmoid(self.net(image))
