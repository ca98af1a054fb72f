"""Progress in a notebook: the same bars as on a terminal, drawn in place."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType

from harness.api.progress import ProgressView
from harness.search.observer import Observer

__all__ = ["notebook_progress"]

EVERY_S = 0.2  # a browser need not draw more often
WIDTH = 110
FORMAT = "<pre style='margin:0;line-height:normal'>{code}</pre>"


@contextmanager
def notebook_progress(metric: str) -> Iterator[Observer]:
    """Return a context in which a launch is shown below the cell; what is shown last stays there."""
    from IPython.display import HTML, display

    handle, drawn = display(HTML(""), display_id=True), 0.0

    def draw() -> None:
        handle.update(HTML(_html(view.bars)))

    def draw_sometimes() -> None:
        nonlocal drawn
        if time.monotonic() - drawn >= EVERY_S:
            draw()
            drawn = time.monotonic()

    view = ProgressView(Console(file=io.StringIO(), force_jupyter=False), metric, on_change=draw_sometimes)
    try:
        yield view
    finally:
        draw()


def _html(renderable: RenderableType) -> str:
    console = Console(file=io.StringIO(), record=True, width=WIDTH, force_terminal=True, force_jupyter=False)
    console.print(renderable)
    return console.export_html(inline_styles=True, code_format=FORMAT)
