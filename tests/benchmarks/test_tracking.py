from collections.abc import Callable
from pathlib import Path

import pytest

from harness.benchmarks import tracking
from harness.benchmarks.tracking import TrackingBenchmark
from harness.tracking.delivery.destination import parse_destination


@pytest.fixture(params=["a second database", pytest.param("a server", marks=pytest.mark.campaign)])
def beside_the_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured beside the database: to start a server takes longer than all the rest."""
    if request.param == "a second database":
        monkeypatch.setattr(tracking, "_on_server", tracking._in_sqlite)


@pytest.mark.slow
@pytest.mark.usefixtures("beside_the_database")
def test_a_database_and_a_server_are_measured_and_get_every_point(
    new_database: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "QUICK", (3, 800))  # processor time is counted in hundredths of a second
    monkeypatch.setattr(tracking, "default_tracking_uri", new_database)

    figures = {figure.figure: figure for figure in TrackingBenchmark().measure(quick=True)}

    for name in ("SQLite", "server"):
        assert figures[f"{name}: points not delivered"].value == 0
        assert figures[f"{name}: points measured in a second"].value > 0
        assert figures[f"{name}: share of wall time (%)"].target == "< 3"
        assert 0 < figures[f"{name}: share of processor time (%)"].value < 100


def test_what_is_not_delivered_is_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "PATIENCE_S", 0.0)
    destination = parse_destination("http://127.0.0.1:9", tmp_path)

    figures = tracking._Shown(tmp_path, destination, tracking._TimedTraining(30), rounds=1).figures("nowhere")

    assert {figure.figure: figure.met for figure in figures}["nowhere: points not delivered"] is False
