from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.benchmarks import scale
from harness.benchmarks.scale import ScaleBenchmark


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "SAMPLES", 1)
    monkeypatch.setattr(scale, "QUICK", (2, 8))
    monkeypatch.setattr(scale, "QUICK_STORED", (1, 3))
    monkeypatch.setattr(scale, "WORKERS", (1,))


@pytest.mark.slow
@pytest.mark.postgres
def test_both_databases_are_measured(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Server:
        url = postgres

    @contextmanager
    def running() -> Iterator[Server]:
        yield Server()

    monkeypatch.setattr(scale, "postgres_server", running)

    figures = {figure.figure: figure for figure in ScaleBenchmark().measure(quick=True)}

    for name in ("SQLite", "PostgreSQL"):
        assert figures[f"{name}: trials per minute with 1 workers"].value > 0
        assert figures[f"{name}: a trial beside its training at 3 (ms)"].target == "< 50"
        assert figures[f"{name}: a launch that finds all done at 3 trials (s)"].value > 0
    assert all(figure.value >= 0 for figure in figures.values())


@pytest.mark.slow
def test_without_a_server_the_file_alone_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def none() -> Iterator[None]:
        yield None

    monkeypatch.setattr(scale, "postgres_server", none)
    monkeypatch.setattr(scale, "_throughput", lambda *_: [])

    figures = ScaleBenchmark().measure(quick=True)

    assert {figure.figure.partition(":")[0] for figure in figures} == {"SQLite"}
