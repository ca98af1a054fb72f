"""What was taken of a table, in lines for its author: what may be wrong comes first."""

from collections.abc import Iterable, Iterator

from harness.scaffold.task_guess import EMPTY, TaskGuess

__all__ = ["described"]

MOST_SHOWN = 8  # of anything of which a table may have hundreds


def described(guess: TaskGuess, notes: Iterable[str] = ()) -> list[str]:
    """Return the lines, with those that loading the task left as `notes`."""
    return [
        _taken(guess),
        *(f"  {line}" for line in _first([*(f"check: {doubt}" for doubt in guess.doubts), *notes])),
        *(f"  {line}" for line in (*_group(guess), *_left_out(guess), *_filled(guess), *_written(guess))),
        "  If that is not what you mean, change it in the file, or say --label COLUMN.",
    ]


def _taken(guess: TaskGuess) -> str:
    what = f"{len(guess.classes)} classes" if guess.classes else "a number"
    count, names = len(guess.inputs), (" ".join(name.split()) for name in guess.inputs)
    return (
        f"{guess.table.path}: {guess.table.rows} rows; {guess.label!r} ({what}) is predicted from {count} "
        f"column{'s' * (count > 1)}: {', '.join(_first(names))}"
    )


def _group(guess: TaskGuess) -> Iterator[str]:
    if guess.group:
        yield (f"written: parts=Parts(group={guess.group!r}), or rows of the same one would be in training and in test")


def _left_out(guess: TaskGuess) -> list[str]:
    return [f"left out: {line}" for line in _first(f"{name!r}, since {why}" for name, why in guess.left_out.items())]


def _filled(guess: TaskGuess) -> Iterator[str]:
    for fill, by in (("median", "the median of the training part"), (EMPTY, f"the category {EMPTY!r}")):
        names = [f"{name!r} ({guess.filled[name]} empty)" for name, what in guess.fills.items() if what == fill]
        if names:
            yield f"filled with {by}: {', '.join(_first(names))}"


def _written(guess: TaskGuess) -> Iterator[str]:
    """Say how the table is written, as far as others are written otherwise."""
    table = guess.table
    said = {
        f"delimiter {table.delimiter!r}": table.delimiter != ",",
        f"decimal {table.decimal!r}": table.decimal != ".",
        f"missing values {', '.join(map(repr, guess.missing))}": bool(guess.missing),
    }
    if any(said.values()):
        yield f"read with {', '.join(part for part, is_said in said.items() if is_said)}"


def _first(items: Iterable[str]) -> list[str]:
    """Return the first items, and how many more there are."""
    listed = list(items)
    more = len(listed) - MOST_SHOWN
    return listed if more <= 1 else [*listed[:MOST_SHOWN], f"and {more} more"]
