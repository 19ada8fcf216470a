"""`python -m models.training.train_cone --out FILE.onnx`: train the cone network on synthetic screens and export it.

Rule of the file: a run is a function of its arguments: every screen comes from (seed, index), one thread computes,
and the export is checked against torch before the command succeeds.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from models.cone.letterbox import Letterbox
from models.training.export_cone import export_cone
from models.training.screens import Mix, render_screen
from models.training.unet import ConeNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_WARM_UP = 100
_AVERAGE = 0.998
_VALIDATION_SEED = 990_001


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """What a training run ended with.

    Parameters
    ----------
    steps
        Optimiser steps taken.
    screens
        Screens seen, each once.
    validation_dice
        Mean Dice on synthetic screens of another seed that hold a cone, 0 to 1.
    parity
        Largest difference of a probability between ONNX and torch.
    """

    steps: int
    screens: int
    validation_dice: float
    parity: float


def training_pair(seed: tuple[int, ...], *, mix: Mix = Mix.SCREENS) -> tuple[Tensor, Tensor]:
    """Render a screen as the network sees it: image and target, float32 (1, 256, 256) each."""
    screen = render_screen(seed, mix=mix)
    box = Letterbox(rows=screen.mask.shape[0], columns=screen.mask.shape[1])
    image = box.to_network(screen.image)
    target = box.to_network(screen.mask.astype(np.uint8) * 255)
    if seed[-1] % 2:
        image, target = image[:, ::-1].copy(), target[:, ::-1].copy()
    return torch.from_numpy(image)[None], torch.from_numpy(target)[None]


def _batch(seed: int, first: int, size: int, mix: Mix) -> tuple[Tensor, Tensor]:
    pairs = [training_pair((seed, first + offset), mix=mix) for offset in range(size)]
    return torch.stack([image for image, _ in pairs]), torch.stack([target for _, target in pairs])


def cone_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross entropy plus soft Dice per image, equally weighted.

    Parameters
    ----------
    logits, target
        float32 (batch, 1, rows, columns); the target is a coverage of 0 to 1.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, target)
    chance = torch.sigmoid(logits)
    axes = (1, 2, 3)
    shared = (chance * target).sum(axes)
    dice = (2 * shared + 1.0) / ((chance**2).sum(axes) + (target**2).sum(axes) + 1.0)
    return entropy + (1 - dice).mean()


def _rate(step: int, steps: int, peak: float) -> float:
    if step < _WARM_UP:
        return peak * (step + 1) / _WARM_UP
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2)


def _follow(average: ConeNet, net: ConeNet, step: int) -> None:
    """Move the running average of the weights towards the weights."""
    keep = min(_AVERAGE, (1 + step) / (10 + step))
    with torch.no_grad():
        for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - keep)
            else:
                kept.copy_(new)


def _average_with(net: ConeNet, other: dict[str, Tensor]) -> None:
    """Move a network half way to other weights."""
    with torch.no_grad():
        for name, weights in net.state_dict().items():
            if weights.is_floating_point():
                weights.lerp_(other[name], 0.5)


def validation_dice(net: ConeNet, *, screens: int) -> float:
    """Mean Dice at 0.5 over synthetic screens no training seed renders, those without a cone left out."""
    net.eval()
    scores = []
    with torch.no_grad():
        for index in range(screens):
            image, target = training_pair((_VALIDATION_SEED, index))
            if target.sum() < 1:
                continue
            found, wanted = (net(image[None])[0] > 0).float(), (target > 0.5).float()
            scores.append(float(2 * (found * wanted).sum() / (found.sum() + wanted.sum() + 1e-6)))
    return float(np.mean(scores))


def train_cone(
    *,
    out: Path,
    steps: int,
    batch: int,
    until: int,
    peak_rate: float,
    mix: Mix,
    seed: int,
    start: Path | None,
    average_start: bool,
    validation: int,
    progress: Callable[[int, float], None],
) -> TrainingReport:
    """Train on synthetic screens, write the ONNX file and, beside it, a torch checkpoint.

    Parameters
    ----------
    out
        The ONNX file; the checkpoint has the same name with `.pt`.
    steps, batch
        Optimiser steps the learning rate's fall is spread over, and screens per step.
    until
        Steps really taken; fewer than `steps` where another run goes on from the checkpoint.
    peak_rate
        Largest learning rate, reached after a hundred steps.
    mix
        Which kinds of screens are likely.
    seed
        Seed of the initial weights and of all screens.
    start
        A checkpoint to continue from, or None.
    average_start
        Whether the result is the mean of `start` and of where this run ended, weight by weight (Wortsman et al. 2022):
        the two disagree where either is overconfident, and their mean generalises better than both.
    validation
        Synthetic screens the trained network is judged on.
    progress
        Called after each step with the step's number and loss.

    Raises
    ------
    models.training.export_cone.ParityError
        The exported file does not compute what torch computes.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    net, average = ConeNet(), ConeNet()
    if start is not None:
        net.load_state_dict(torch.load(start, weights_only=True))
    average.load_state_dict(net.state_dict())
    net = net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=peak_rate, weight_decay=1e-4)
    net.train()
    for step in range(min(steps, until)):
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps, peak_rate)
        image, target = _batch(seed, step * batch, batch, mix)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(image)
        loss = cone_loss(logits.float(), target)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        _follow(average, net, step)
        progress(step, float(loss.detach()))
        if step % 200 == 199:
            torch.save(average.state_dict(), out.with_suffix(".pt"))
    out.parent.mkdir(parents=True, exist_ok=True)
    if start is not None and average_start:
        _average_with(average, torch.load(start, weights_only=True))
    torch.save(average.state_dict(), out.with_suffix(".pt"))
    dice = validation_dice(average, screens=validation)
    parity = export_cone(average, out)
    return TrainingReport(
        steps=min(steps, until), screens=min(steps, until) * batch, validation_dice=dice, parity=parity
    )


def main() -> None:
    """Train as the arguments say and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4600)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--until", type=int, default=None)
    parser.add_argument("--peak-rate", type=float, default=2e-3)
    parser.add_argument("--mix", type=Mix, choices=list(Mix), default=Mix.SCREENS)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--start", type=Path, default=None)
    parser.add_argument("--average-start", action="store_true")
    wanted = parser.parse_args()

    def progress(step: int, loss: float) -> None:
        if step % 25 == 0:
            print(f"step {step} loss {loss:.4f}", flush=True)  # noqa: T201  a training command reports

    report = train_cone(
        out=wanted.out,
        steps=wanted.steps,
        batch=wanted.batch,
        until=wanted.steps if wanted.until is None else wanted.until,
        peak_rate=wanted.peak_rate,
        mix=wanted.mix,
        seed=wanted.seed,
        start=wanted.start,
        average_start=wanted.average_start,
        validation=200,
        progress=progress,
    )
    print(report)  # noqa: T201  a training command reports


if __name__ == "__main__":
    main()
