import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.data.inert_pickle import bytes_array, read_pickle

Write = Callable[[Any], bytes]


class Asks:
    """Unpickled, calls `function` with `arguments`."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.function, self.arguments


def read(content: bytes, folder: Path) -> Any:
    (folder / "values").write_bytes(content)
    return read_pickle(folder / "values")


@given(
    value=st.recursive(
        st.integers(-(2**40), 2**40) | st.binary(max_size=9) | st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.binary(max_size=3), inner, max_size=3),
        max_leaves=10,
    )
)
def test_plain_values_are_read(python2_pickle: Write, value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert read(python2_pickle(value), tmp_path_factory.getbasetemp()) == value


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_bytes_are_read(python2_pickle: Write, shape: tuple[int, ...], order: Any, tmp_path: Path) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape).copy(order=order)

    found = bytes_array(read(python2_pickle({b"data": array}), tmp_path)[b"data"])

    assert torch.equal(found, torch.from_numpy(array))
    found.add_(1)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "asks",
    [
        Asks(os.system, "touch harmed"),
        Asks(eval, "open('harmed', 'w')"),
        Asks(exec, "open('harmed', 'w')"),
        Asks(subprocess.Popen, ["touch", "harmed"]),
        Asks(Path.touch, Path("harmed")),
        Asks(np.save, "harmed", 1),
        Asks(getattr, np, "save"),
    ],
    ids=lambda asks: asks.function.__name__,
)
def test_what_a_malicious_pickle_asks_for_is_refused(
    asks: Asks, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asks.arguments = tuple("numpy" if argument is np else argument for argument in asks.arguments)

    with pytest.raises(DataError, match=r"expected a pickle of plain data at .*: it asks for ") as caught:
        read(pickle.dumps({b"data": asks}, protocol=protocol), tmp_path)

    assert not list(tmp_path.glob("harmed*"))
    assert "\n" not in str(caught.value)


MADE_UP = {
    # (name, bytes): opcodes are those of the standard library's pickletools
    "an old instance": b"(S'touch harmed'\nios\nsystem\n.",
    "a class made with arguments": b"cos\nsystem\n(S'touch harmed'\ntR.",
    "a dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.",
    "an allowed name as a class": b"cnumpy\nndarray\n)\x81.",
    "a registered extension": b"\x80\x02\x82\x01.",
    "an outer reference": b"Pouter\n.",
    "a state for a list": b"](K\x01K\x02tb.",
    "a call of bytes": b"U\x01a)R.",
    "nothing on the stack": b"t.",
    "an unknown memory": b"h\x07.",
    "not a pickle": b"hello",
    "empty": b"",
    "a length past the end": b"T\xff\xff\xff\x7fabc",
    "a negative length": b"T\xff\xff\xff\xffabc",
    "no end": b"]",
    "a memory of a billion things": b"\x80\x02]r\x00\x00\x00\x40.",
    "text that is none": b"\x80\x02X\x01\x00\x00\x00\xff.",
    "a list as a key": b"}]K\x01s.",
}


@pytest.mark.parametrize("content", MADE_UP.values(), ids=MADE_UP)
def test_a_made_up_pickle_is_one_clear_error(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DataError, match="expected a pickle of plain data at") as caught:
        read(content, tmp_path)

    assert not (tmp_path / "harmed").exists()
    assert "\n" not in str(caught.value)


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_damaged_pickle_is_read_or_refused(
    python2_pickle: Write, place: int, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(python2_pickle({b"data": np.zeros((2, 3), np.uint8), b"labels": [1, 2]}))
    content[place % len(content)] = byte
    folder = tmp_path_factory.getbasetemp()

    try:
        found = read(bytes(content), folder)
    except DataError:
        return

    try:
        bytes_array(found[b"data"] if isinstance(found, dict) else found)
    except (ValueError, KeyError):
        return


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "expected an array, found list"),
        (np.dtype("u1"), "expected an array, found _Inert"),
        (np.zeros(3, object), "expected an array of unsigned bytes, found 'O8'"),
    ],
)
def test_what_is_no_array_of_bytes_is_refused(python2_pickle: Write, value: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        bytes_array(read(python2_pickle(value), tmp_path))


ARRAY, TYPE = b"cnumpy.core.multiarray\n_reconstruct\n)R", b"cnumpy\ndtype\n(U\x02u1tR"
STATES = {
    "none": (b"", "expected an array with a shape, a type and bytes"),
    "short": (b"(K\x01K\x02tb", "expected an array with a shape"),
    "no type": (b"(K\x01K\x02)K\x00U\x01atb", "expected an array with a shape"),
    "a type without a name": (b"(K\x01K\x02cnumpy\ndtype\n)RK\x00U\x01atb", "expected an array with a shape"),
    "another type": (b"(K\x01K\x01cnumpy\ndtype\n(U\x02f4tRK\x00U\x01atb", "unsigned bytes, found b'f4'"),
    "a number for bytes": (b"(K\x01K\x01" + TYPE + b"K\x00J\xff\xff\xff\x7ftb", "unsigned bytes, found"),
    "another shape": (b"(K\x01K\x02" + TYPE + b"K\x00U\x01atb", "expected a shape for 1 bytes, found 2"),
    "a shape beyond all numbers of machines": (
        b"(K\x01\x8a\x09" + b"\x01" * 9 + TYPE + b"K\x00U\x01atb",
        "expected a shape for 1 bytes, found 1",
    ),
    "no shape": (b"(K\x01}" + TYPE + b"K\x00U\x01atb", "expected a shape for 1 bytes, found {}"),
}


@pytest.mark.parametrize(("state", "message"), STATES.values(), ids=STATES)
def test_an_array_with_another_state_is_refused(state: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        bytes_array(read(ARRAY + state + b".", tmp_path))
