"""`sonoveil models`: the model catalogue."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from config.load import load_gateway
from config.schema import ModelsConfig
from gateway.cli import DONE, HELD_OR_FAILED, UsageError
from gateway.cli.common import add_json, complain, print_json, say
from models.catalog import listing, open_models, verify
from models.errors import ModelUnavailable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from models.catalog import Listed

_BENCH_LOOKS = 5


def models(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, text in (("ls", "what there is"), ("verify", "hash and open every model"), ("bench", "time one look")):
        action = actions.add_parser(name, help=text)
        action.add_argument("-c", "--config", type=Path, metavar="FILE", help="gateway.yaml, for its `models` section")
        add_json(action)
        action.set_defaults(run={"ls": _ls, "verify": _verify, "bench": _bench}[name])
    export = actions.add_parser("export", help="make ONNX files of EasyOCR's models (needs the extra `train`)")
    export.add_argument("what", choices=["easyocr"])
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    export.set_defaults(run=_export)


def _config(options: argparse.Namespace) -> ModelsConfig:
    return load_gateway(options.config).models if options.config else ModelsConfig()


def _ls(options: argparse.Namespace) -> int:
    return _show(listing(_config(options)), options, needed_only=False)


def _verify(options: argparse.Namespace) -> int:
    return _show(verify(_config(options)), options, needed_only=True)


def _show(models: Sequence[Listed], options: argparse.Namespace, *, needed_only: bool) -> int:
    """Show the models; a model that was never made is no fault, one that is there and broken is."""
    if options.json:
        print_json({"models": models})
    else:
        for model in models:
            state = model.fault or "ok"
            say(f"{model.name:<18} {model.sha256[:12] or '-':<13} {model.licence or '-':<12} {state}")
    broken = any(model.fault is not None and model.path is not None for model in models)
    return HELD_OR_FAILED if needed_only and broken else DONE


def _bench(options: argparse.Namespace) -> int:
    config = _config(options)
    try:
        models = open_models(config, text="ppocr", cone=True)
    except ModelUnavailable as error:
        complain(f"sonoveil: {error}")
        return HELD_OR_FAILED
    frame = np.random.default_rng(0).integers(0, 64, (608, 800), dtype=np.uint8)
    seconds = {"text": _seconds(lambda: models.text.read(frame, strict=False))}
    if models.cone is not None:
        cone = models.cone
        seconds["cone"] = _seconds(lambda: cone.segment(frame))
    if options.json:
        print_json({"device": models.device, "rows": 608, "columns": 800, "median_seconds": seconds})
    else:
        for name, median in seconds.items():
            say(f"{name}: {median * 1000:.0f} ms per 608 x 800 frame on {models.device}, median of {_BENCH_LOOKS}")
    return DONE


def _seconds(look: object) -> float:
    assert callable(look)
    look()
    times = []
    for _ in range(_BENCH_LOOKS):
        begun = time.perf_counter()
        look()
        times.append(time.perf_counter() - begun)
    return float(np.median(times))


def _export(options: argparse.Namespace) -> int:
    try:
        from models.training.export_easyocr import export_easyocr  # noqa: PLC0415  torch, an extra
    except ImportError as error:
        raise UsageError(
            f"{error.name} is not installed; install the extra `train` and easyocr, see docs/models.md"
        ) from None
    report = export_easyocr(options.output)
    say(str(report))
    return DONE
