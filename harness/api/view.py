"""Where the progress of a launch is shown: in a notebook, on a terminal, or as lines of a log."""

from contextlib import AbstractContextManager

from rich.console import Console

from harness.api.notebook_progress import notebook_progress
from harness.api.progress import ProgressView
from harness.search.observer import Observer

__all__ = ["view_of"]


def view_of(metric: str) -> AbstractContextManager[Observer]:
    """Return a context with an observer that shows a launch wherever this process is used.

    Args:
        metric: shown while a run trains, without its split.
    """
    console = Console()
    return notebook_progress(metric) if console.is_jupyter else ProgressView(console, metric)
