"""What an SVG path draws, in few bytes: coordinates are rounded and written relative to one another."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

__all__ = ["decimal", "shortened_path"]

TOKEN = re.compile(r"[A-Za-z]|-?\d+(?:\.\d+)?(?:e-?\d+)?")
COORDINATES = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}  # the commands that matplotlib writes

Command = tuple[str, list[int]]


@lru_cache(maxsize=1024)  # each letter is drawn anew in each figure
def shortened_path(data: str, decimals: int, scale: float = 1.0) -> str:
    """Return path data that draw the same as `data`, times `scale`, with coordinates of so many decimals.

    Positions are rounded, and differences taken between rounded positions, so that errors do not add up.
    """
    return "".join(_written(_relative(_commands(data, scale * 10**decimals)), decimals))


@lru_cache(maxsize=1 << 16)
def decimal(value: int, decimals: int) -> str:
    """Write `value` / 10^`decimals` without zeros that say nothing, as in `-.5`."""
    digits = str(abs(value)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole.lstrip('0') if fraction else whole}{'.' if fraction else ''}{fraction}"


def _commands(data: str, unit: float) -> Iterator[Command]:
    tokens = TOKEN.findall(data)
    at = 0
    while at < len(tokens):
        command = tokens[at]
        end = at + 1 + COORDINATES[command]
        yield command, [round(float(token) * unit) for token in tokens[at + 1 : end]]
        at = end


def _relative(commands: Iterable[Command]) -> Iterator[Command]:
    """Write each command relative to where the pen is; a line that leads nowhere is left out."""
    x = y = start_x = start_y = 0
    before = ""
    for command, values in commands:
        if command == "z":
            x, y = start_x, start_y
            yield "z", []
        elif command == "M":
            start_x, start_y = x, y = values
            yield "M", values
        else:
            moved = [value - (y if place % 2 else x) for place, value in enumerate(values)]
            x, y = values[-2:]
            # The first line stays, since a line of no length can be a dot.
            if command != "L" or any(moved) or before == "M":
                yield _line(*moved) if command == "L" else (command.lower(), moved)
        before = command


def _line(across: int, down: int) -> Command:
    if not down:
        return "h", [across]
    return ("l", [across, down]) if across else ("v", [down])


def _written(commands: Iterable[Command], decimals: int) -> Iterator[str]:
    """Yield the signs; a command is not repeated, nor a separator written where a sign or a point separates."""
    before = ""
    for command, values in commands:
        if command != before:
            yield command
        numbers = [decimal(value, decimals) for value in values]
        yield _joined(numbers, first=command != before)
        before = "" if command in "Mz" else command


def _joined(numbers: Sequence[str], *, first: bool) -> str:
    return "".join(
        number if number[0] == "-" or (first and not place) else f" {number}" for place, number in enumerate(numbers)
    )
