import pytest


@pytest.fixture(autouse=True)
def _drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw each figure as PNG alone: what tests of single figures look at is the same in every format."""
    monkeypatch.setattr("harness.reporting.figures._style.svg", lambda _: b"<svg/>")
