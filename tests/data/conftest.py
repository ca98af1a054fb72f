"""What tests of data share."""

import io
import pickle
import struct
from collections.abc import Callable
from typing import Any

import pytest


class _Python2Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """Writes as Python 2 did, in which texts are bytes."""

    dispatch = pickle._Pickler.dispatch.copy()  # type: ignore[attr-defined]

    def _save_bytes(self, value: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = _save_bytes


@pytest.fixture(scope="session")
def python2_pickle() -> Callable[[Any], bytes]:
    """Return what writes a value as Python 2 and numpy 1 did."""

    def pickled(value: Any) -> bytes:
        stream = io.BytesIO()
        _Python2Pickler(stream, protocol=2).dump(value)
        return stream.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")

    return pickled
