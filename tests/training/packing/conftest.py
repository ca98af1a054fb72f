from typing import Any

import pytest

from harness.training.packing import pack
from harness.training.packing.recorder import PackRecorder


@pytest.fixture
def packed_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let packs save enough whatever they save; list of how many loops each step was made, proofs apart."""
    steps: list[int] = []
    add = PackRecorder.add

    def noted(recorder: PackRecorder, measured: Any) -> None:
        steps.append(len(recorder._loops))
        add(recorder, measured)

    monkeypatch.setattr(pack, "LEAST_SAVED", -1e9)
    monkeypatch.setattr(PackRecorder, "add", noted)
    return steps
