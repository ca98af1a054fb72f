"""Work that Python's garbage collector does not interrupt."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave cycles of objects where they are until later.

    Work that builds many objects and drops few, as an import or the drawing of figures does, has the collector look
    through all of them again and again, which takes a fifth of the time and finds little.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # All objects count as old from here on, so that it is not now that the collector looks through them.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
