import inspect
import re
from collections.abc import Iterator

import pytest

from harness.core import errors


def drawn_tree() -> Iterator[tuple[str, str | None, str]]:
    """Yield name, parent and description of each class in the module's docstring."""
    assert errors.__doc__
    _, tree, _ = errors.__doc__.split("```")
    path: list[str] = []
    for line in tree.strip().splitlines():
        stem, _, rest = line.rpartition("── ")
        name, _, description = rest.partition(" ")
        depth = (len(stem) + 3) // 4
        path[depth:] = [name]
        yield name, path[depth - 1] if depth else None, description.strip()


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = {name: parent for name, parent, _ in drawn_tree()}

    classes = {name: found for name, found in vars(errors).items() if inspect.isclass(found)}
    real = {name: found.__base__.__name__ if found.__base__ else None for name, found in classes.items()}
    assert drawn == real | {"HarnessError": None}


def test_every_error_is_public() -> None:
    assert errors.__all__ == sorted(name for name, _, _ in drawn_tree())


@pytest.mark.parametrize(("name", "description"), [(name, description) for name, _, description in drawn_tree()])
def test_the_drawing_says_what_the_class_says(name: str, description: str) -> None:
    said = inspect.getdoc(getattr(errors, name)) or ""

    assert words(description.partition(";")[0]) <= words(said)
