"""The command `harness`, but one picture stands for all figures: drawing is most of what a report takes."""

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

Patch = Callable[[object, str, object], None]


@cache
def picture() -> dict[str, Any]:
    """Return that picture, as figures have it."""
    from harness.reporting.figures import _base, _style

    return _base.rendered(lambda: _style.new_figure(1, 1))


def one_picture(_: object) -> dict[str, Any]:
    """Draw nothing of one's own."""
    return picture()


def undraw(patch: Patch = setattr) -> None:
    """Let all figures be that picture."""
    from harness.reporting import sections

    picture()
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{sections.__package__}.figures.") and hasattr(module, "rendered"):
            patch(module, "rendered", one_picture)


if __name__ == "__main__":
    from harness.cli.main import main

    undraw()
    main()
