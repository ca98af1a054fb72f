from collections.abc import Callable

import pytest
from matplotlib.figure import Figure

from harness.reporting.figures._base import Picture


@pytest.fixture(autouse=True)
def _drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw each figure as PNG alone: what tests of single figures look at is the same in every format."""
    monkeypatch.setattr("harness.reporting.figures._style.svg", lambda _: b"<svg/>")


@pytest.fixture(autouse=True)
def _drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw each figure when it is made, so that a test of what it shows is one of its drawing, too."""
    made = Picture.__init__

    def drawn(picture: Picture, draw: Callable[[], Figure]) -> None:
        made(picture, draw)
        assert picture.png

    monkeypatch.setattr(Picture, "__init__", drawn)
