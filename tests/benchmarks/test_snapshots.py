import pytest

from harness.benchmarks import snapshots


def test_the_time_of_a_snapshot_is_measured() -> None:
    figures = {figure.figure: figure for figure in snapshots._time("small", (8,), rounds=1)}

    assert figures["small: bytes of a snapshot (MB)"].value > 0
    assert figures["small: their share of the time, at most"].met


def test_an_encoder_that_runs_have_in_common_is_stored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.staging.snapshot_files.LARGE_BYTES", 100_000)
    monkeypatch.setattr("harness.staging.snapshot_files.LARGE_TENSOR_BYTES", 10_000)

    figure = snapshots._space("small", widths=(400, 400))

    assert 1 < figure.value < 2  # instead of 8, for each stage of each run
