"""Opening ONNX models: bytes are checked, contracts are checked, and what broke says so."""

import hashlib
import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.contract import Contract
from models.errors import ModelError, ModelFailed, ModelUnavailable
from models.session import Session, offered_devices

CONTRACT = Contract(
    input_name="x", input_shape=(None, 2), output_names=("y",), output_ranks=(2,), metadata_keys=("units",)
)


@pytest.fixture
def doubling(tmp_path):
    """A model that doubles its input, and its hash."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"units": "none"})
    path = tmp_path / "doubling.onnx"
    onnx.save(model, str(path))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def opened(path, sha256, contract=CONTRACT, device="cpu"):
    """Open the model of the fixture."""
    return Session(path, name="doubling", sha256=sha256, contract=contract, device=device)


def test_a_model_with_the_pinned_bytes_runs(doubling):
    """The outputs are the model's, and its metadata are there."""
    session = opened(*doubling)

    outputs = session.run(np.array([[1, 2]], dtype=np.float32))

    assert [output.tolist() for output in outputs] == [[[2, 4]]]
    assert session.metadata == {"units": "none"}
    assert session.device == "cpu"


def test_one_changed_byte_makes_the_model_unavailable(doubling):
    """Bytes that are not the pinned ones are never loaded."""
    path, sha256 = doubling
    path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(ModelUnavailable, match="SHA-256"):
        opened(path, sha256)


def test_a_missing_file_makes_the_model_unavailable(tmp_path):
    """No file, no model; the path is not in the message."""
    with pytest.raises(ModelUnavailable) as caught:
        opened(tmp_path / "none.onnx", "0" * 64)

    assert str(tmp_path) not in str(caught.value)


def test_bytes_that_are_no_model_make_it_unavailable(tmp_path):
    """The right hash of garbage is still garbage."""
    path = tmp_path / "garbage.onnx"
    path.write_bytes(b"garbage")

    with pytest.raises(ModelUnavailable, match="cannot open"):
        opened(path, hashlib.sha256(b"garbage").hexdigest())


@pytest.mark.parametrize(
    "other",
    [
        {"input_name": "z"},
        {"input_shape": (None, 3)},
        {"output_names": ("y", "z"), "output_ranks": (2, 2)},
        {"output_ranks": (3,)},
        {"metadata_keys": ("units", "character")},
    ],
)
def test_another_contract_makes_the_model_unavailable(doubling, other):
    """A model that takes or gives something else is not the model that is meant."""
    values = {name: getattr(CONTRACT, name) for name in CONTRACT.__slots__} | other

    with pytest.raises(ModelUnavailable):
        opened(*doubling, contract=Contract(**values))


def test_a_call_that_breaks_is_a_failure_without_a_word_of_the_input(doubling):
    """A wrong shape raises, and nothing is returned that could read as "nothing found"."""
    session = opened(*doubling)

    with pytest.raises(ModelFailed) as caught:
        session.run(np.zeros((1, 7), dtype=np.float32))

    assert "7" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.skipif("cuda" in offered_devices(), reason="this onnxruntime has CUDA")
def test_cuda_is_unavailable_instead_of_slow_where_there_is_none(doubling):
    """`device: cuda` never falls back silently; `auto` does."""
    with pytest.raises(ModelUnavailable, match="cuda"):
        opened(*doubling, device="cuda")

    assert opened(*doubling, device="auto").device == "cpu"


@pytest.mark.parametrize("kind", [ModelUnavailable, ModelFailed])
def test_errors_survive_the_way_between_processes(kind):
    """A worker's error arrives with its parts."""
    error = pickle.loads(pickle.dumps(kind("cone", "it is missing")))

    assert (type(error), error.name, error.why) == (kind, "cone", "it is missing")
    assert isinstance(error, ModelError)


class _Watched:
    """An onnxruntime session that notes the shapes of its inputs, and may refuse tiny ones."""

    def __init__(self, session, *, refuses_tiny):
        self._session, self._refuses_tiny = session, refuses_tiny
        self.shapes = []

    def run(self, names, feed, options):
        (batch,) = feed.values()
        self.shapes.append((batch.shape, options is not None))
        if self._refuses_tiny and batch.size < 4096:
            raise RuntimeError
        return self._session.run(names, feed, options)


@pytest.mark.parametrize("refuses_tiny", [False, True])
def test_a_large_input_of_another_shape_first_gets_room(tmp_path, refuses_tiny):
    """A tiny run gives back what other shapes left; where a model refuses it, nothing but memory is lost."""
    shape = ["n", 1, "rows", "columns"]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "doubling", values[:1], values[1:])
    path = tmp_path / "doubling.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    sizes = {"input_shape": (None, 1, None, None), "output_ranks": (4,)}
    contract = Contract(input_name="x", output_names=("y",), metadata_keys=(), **sizes)
    session = opened(path, hashlib.sha256(path.read_bytes()).hexdigest(), contract)
    watched = session._session = _Watched(session._session, refuses_tiny=refuses_tiny)

    large, small = np.ones((1, 1, 512, 640), dtype=np.float32), np.ones((1, 1, 64, 96), dtype=np.float32)
    for batch in (large, large, small):
        assert (session.run(batch)[0] == 2).all()

    tiny = ((1, 1, 32, 32), True)
    assert watched.shapes == [tiny, (large.shape, False), (large.shape, False), (small.shape, True)]
