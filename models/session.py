"""One ONNX model, open: the only file that imports onnxruntime.

The rule of this file: bytes are hashed before they are loaded, and the very bytes that were hashed are the ones that
are loaded. Nothing of an input is ever logged or put into an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from models.errors import ModelFailed, ModelUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.contract import Contract

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_CUDA_OPTIONS = {
    # TF32 keeps 10 bits of a factor: boxes would move against the CPU's by more than rounding.
    "use_tf32": "0",
    # The default tries every algorithm at each new shape, and frames of many sizes pass through a worker.
    "cudnn_conv_algo_search": "HEURISTIC",
    # Growing by doubling would take memory from the other workers on the card.
    "arena_extend_strategy": "kSameAsRequested",
}
_AS_REQUESTED = 1
_LARGE_BYTES, _TINY_PX = 1 << 20, 32
_FATAL_ONLY = 4  # onnxruntime's warnings name nodes and shapes of inputs on stderr; errors arrive as exceptions


class Device(StrEnum):
    """Where models run."""

    AUTO = "auto"
    """CUDA when onnxruntime offers it and it loads, else the CPU."""
    CPU = "cpu"
    """The CPU, even beside a GPU."""
    CUDA = "cuda"
    """The GPU; without one the model is unavailable instead of slow."""


class Session:
    """An open model with one float32 input.

    Parameters
    ----------
    path
        The ONNX file, read once.
    name
        The catalogue's name, for errors and metrics.
    sha256
        What the file must hash to, in lower-case hexadecimal.
    contract
        What it must take and give.
    device
        Where it runs.
    threads
        Threads inside one operator. One per worker process is right where several workers run side by side.

    Attributes
    ----------
    device
        `cpu` or `cuda`: where it really runs.
    metadata
        The model's own metadata.

    Raises
    ------
    ModelUnavailable
        The file is missing, altered or no model, its contract differs, or the device does not exist.

    Notes
    -----
    Open sessions do not survive a fork: open them in the process that uses them. Calls may come from several threads.
    """

    __slots__ = ("_contract", "_last_shape", "_session", "device", "metadata", "name", "sha256", "threads")

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        sha256: str,
        contract: Contract,
        device: Device | str = Device.AUTO,
        threads: int = 1,
    ) -> None:
        content = _read_verified(path, name=name, sha256=sha256)
        self.name = name
        self.sha256 = sha256
        self.threads = threads
        self._contract = contract
        self._last_shape: tuple[int, ...] = ()
        self._session: Any = _open(content, name=name, device=Device(device), threads=threads)
        self.device = "cuda" if _CUDA in self._session.get_providers() else "cpu"
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        _check_contract(self._session, contract, name=name)
        if missing := [key for key in contract.metadata_keys if key not in self.metadata]:
            raise ModelUnavailable(name, f"the model's metadata lack {len(missing)} of the keys it must have")

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run the model once.

        Parameters
        ----------
        batch
            The input, of the contract's rank.

        Returns
        -------
        list of arrays
            The outputs in the contract's order, float32.

        Raises
        ------
        ModelFailed
            onnxruntime raised; its message may describe the input, so only the class of the error is kept.
        """
        # What another shape left in the arena fits badly: without giving it back at each change of shape, a worker that
        # sees frames of many sizes grows by a third (390 instead of 303 MiB after twelve sizes), at no gain in time.
        tidy = self.device == "cpu" and batch.shape != self._last_shape
        self._last_shape = batch.shape
        if tidy and batch.nbytes >= _LARGE_BYTES:
            self._make_room()
            tidy = False
        try:
            return self._outputs(batch, tidy=tidy)
        except Exception as error:  # noqa: BLE001  onnxruntime's errors share no other base; recorded as ours
            raise ModelFailed(self.name, f"onnxruntime raised {type(error).__name__}") from None

    def _outputs(self, batch: NDArray[np.float32], *, tidy: bool) -> list[NDArray[np.float32]]:
        feed = {self._contract.input_name: batch}
        return list(self._session.run(list(self._contract.output_names), feed, _tidying() if tidy else None))

    def _make_room(self) -> None:
        """Give back what other shapes left in the arena before a large one needs its own: a peak of 17 MB less.

        The arena gives back behind a run only, so a tiny one is made, about which nobody needs to know.
        """
        batch_axis, *others = self._contract.input_shape
        if None in others:
            shape = (batch_axis or 1, *(axis or _TINY_PX for axis in others))
            with contextlib.suppress(Exception):
                self._outputs(np.zeros(shape, dtype=np.float32), tidy=True)


def offered_devices() -> tuple[str, ...]:
    """`cuda` where the installed onnxruntime offers it, and always `cpu`."""
    return ("cuda", "cpu") if _CUDA in onnxruntime.get_available_providers() else ("cpu",)


def _read(path: Path, *, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(name, f"the file cannot be read ({type(error).__name__})") from None


def _read_verified(path: Path, *, name: str, sha256: str) -> bytes:
    content = _read(path, name=name)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelUnavailable(name, "the file's SHA-256 is not the catalogue's: it was altered or is another version")
    return content


def _open(content: bytes, *, name: str, device: Device, threads: int) -> Any:
    offered = offered_devices()
    if device is Device.CUDA and "cuda" not in offered:
        raise ModelUnavailable(name, "device cuda is asked for, and the installed onnxruntime has none")
    _share_arena()
    providers: list[Any] = [_CPU]
    if device is not Device.CPU and "cuda" in offered:
        _load_cuda_libraries()
        providers.insert(0, (_CUDA, _CUDA_OPTIONS))
    try:
        session = onnxruntime.InferenceSession(content, sess_options=_options(threads), providers=providers)
    except Exception as error:  # noqa: BLE001  onnxruntime's errors share no other base; recorded as ours
        raise ModelUnavailable(name, f"onnxruntime cannot open it ({type(error).__name__})") from None
    session._model_bytes = None  # noqa: SLF001  onnxruntime keeps a second copy of the file, for a retry we never make
    if device is Device.CUDA and _CUDA not in session.get_providers():
        raise ModelUnavailable(name, "device cuda is asked for, and CUDA's libraries do not load")
    return session


@cache
def _load_cuda_libraries() -> None:
    """Load the CUDA and cuDNN that pip installed beside onnxruntime-gpu, which are on no search path of the system."""
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find; opening the model says it better
        onnxruntime.preload_dlls()


@cache
def _share_arena() -> None:
    """Make one arena for all sessions of the process, growing by what is asked for and never by doubling.

    Measured with the text detector at 736 x 992: peak 245 MB, where no arena takes 414 MB (the heap comes apart) and a
    third more CPU (pages given back and faulted in again).
    """
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg({"arena_extend_strategy": _AS_REQUESTED}))


@cache
def _tidying() -> Any:
    """Options of a run after which the arena's unused memory goes back to the system."""
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # One plan per input shape would be kept for ever, and frames of many sizes pass through a worker.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.use_env_allocators", "1")
    # Workers share cores with the receiver: a waiting thread must sleep, not spin.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _check_contract(session: Any, contract: Contract, *, name: str) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if [node.name for node in inputs] != [contract.input_name]:
        raise ModelUnavailable(name, "its inputs are not the contract's")
    if tuple(node.name for node in outputs) != contract.output_names:
        raise ModelUnavailable(name, "its outputs are not the contract's")
    shape = tuple(axis if isinstance(axis, int) else None for axis in inputs[0].shape)
    if shape != contract.input_shape:
        raise ModelUnavailable(name, "its input's shape is not the contract's")
    if tuple(len(node.shape) for node in outputs) != contract.output_ranks:
        raise ModelUnavailable(name, "its outputs' ranks are not the contract's")
    if any(node.type != "tensor(float)" for node in (*inputs, *outputs)):
        raise ModelUnavailable(name, "its types are not float32")
