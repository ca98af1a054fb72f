from dataclasses import replace
from io import StringIO

from rich.console import Console

from harness.api.progress import ProgressView
from harness.staging.ledger import RunRecord

RUN = RunRecord(
    *("tiny", 0, "frozen", 1, "0123abcd"),
    params={},
    config={},
    status="completed",
    metrics={"val/accuracy/all": 0.87654},
)
FAILED = replace(RUN, trial=1, status="failed", reason="diverged: loss [late] is nan at step 7", metrics={})


def shown(*records: RunRecord, terminal: bool = False) -> str:
    """Return what is shown of a launch in which these runs end, one having ended before."""
    text = StringIO()
    with ProgressView(Console(file=text, force_terminal=terminal, width=200), "accuracy/all") as view:
        view.on_launch(4, 1)
        for record in records:
            view.on_run_begin(f"trial {record.trial}", 40)
            view.on_evaluation(f"trial {record.trial}", 20, {"val/accuracy/all": 0.5})
            view.on_evaluation(f"trial {record.trial}", 20, {"train/loss": 0.5})
            view.on_run_end(record)
    return text.getvalue()


def test_without_a_terminal_every_run_is_a_line() -> None:
    assert shown(RUN, FAILED).splitlines() == [
        "[2/4] trial 0 · frozen · seed 1: val/accuracy/all 0.877",
        "[3/4] trial 1 · frozen · seed 1: failed (diverged: loss [late] is nan at step 7)",
    ]


def test_a_run_without_the_metric_is_a_line_too() -> None:
    assert shown(replace(RUN, metrics={})).splitlines() == [
        "[2/4] trial 0 · frozen · seed 1: completed, without accuracy/all",
    ]


def test_nothing_is_said_of_a_finished_study() -> None:
    assert shown() == ""


def test_on_a_terminal_there_are_bars() -> None:
    screen = shown(RUN, terminal=True)

    assert "runs" in screen
    assert "trial 0" in screen
    assert "frozen · seed 1:" not in screen


def test_a_long_reason_stays_on_its_line() -> None:
    text, long = StringIO(), replace(FAILED, reason="diverged: " + "every loss is nan " * 10)

    with ProgressView(Console(file=text), "accuracy/all") as view:
        view.on_run_end(long)

    assert text.getvalue().count("\n") == 1
