from collections.abc import Iterator
from typing import Any

import pytest

from harness.training.packing import pack


@pytest.fixture
def packed_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let packs save enough whatever they save; note of how many loops each step was made that was not made for proof."""
    steps: list[int] = []
    add = pack._PackRecorder.add

    def noted(recorder: Any, measured: Any) -> None:
        steps.append(len(recorder._loops))
        add(recorder, measured)

    monkeypatch.setattr(pack, "LEAST_SAVED", -1e9)
    monkeypatch.setattr(pack._PackRecorder, "add", noted)
    yield steps
