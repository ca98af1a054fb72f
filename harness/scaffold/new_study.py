"""The files of a new study, as texts by their names."""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.scaffold.example import question_in
from harness.scaffold.renamed import renamed
from harness.scaffold.task_guess import ROWS_A_CLASS, TaskGuess
from harness.search.find import STUDY_FILE

__all__ = ["copy_of", "new_study"]

README = "README.md"
LINE = 120
DIGITS, PIXELS = 10, 64
SMALLEST_SHARE = 0.05  # of a number's standard deviation
PART_OF_NAMES = re.compile(r"\w[\w -]*")


def new_study(name: str, *, own_model: bool = False, guess: TaskGuess | None = None) -> Mapping[str, str]:
    """Return a study on digits, or on the table of `guess`, with its README; with a network to be written anew."""
    class_rows = guess.class_rows if guess else (ROWS_A_CLASS,) * DIGITS
    classes, late = len(class_rows), _late(class_rows)
    output = guess.label if guess and PART_OF_NAMES.fullmatch(guess.label) else "value"
    content = {
        "name": name,
        "title": _title(name),
        "question": _question(late),
        "own_model": own_model,
        "kind": f"{name.replace('-', '_')}_network",
        "guess": guess,
        "path": guess.table.path.as_posix() if guess else "",
        "width": guess.width if guess else PIXELS,
        "known": [number for number in range(classes) if number not in late],
        "late": late,
        "output": output,
        "tap": ("trunk" if own_model else "hidden.1") if late else ("trunk" if own_model else "hidden.0"),
        "metric": "accuracy/all" if classes else f"rmse/{output}",
        "smallest_effect": f"{SMALLEST_SHARE * guess.spread:.2g}" if guess and not classes else "0.01",
    }
    return {STUDY_FILE: _rendered("study.py.jinja", content), README: _rendered("README.md.jinja", content)}


def copy_of(file: Path, name: str) -> Mapping[str, str]:
    """Return the study in `file` under another name, with a README that asks for a prediction of its own.

    Raises:
        InputError: the file says its study's name in no plain text.
    """
    content = {"name": name, "title": _title(name), "question": question_in(file.parent / README)}
    return {STUDY_FILE: renamed(file, name), README: _rendered("README.md.jinja", content)}


def _late(class_rows: Sequence[int]) -> list[int]:
    """Choose the last two fifths of more than two classes, of those with enough rows for every part."""
    enough = [number for number, rows in enumerate(class_rows) if rows >= ROWS_A_CLASS]
    count = len(class_rows) * 2 // 5 if len(class_rows) > 2 else 0
    return enough[max(len(enough) - count, 1) :]


def _question(late: list[int]) -> str:
    if late:
        return "When a head for classes that come late is attached, should everything learned before stay frozen?"
    return "When the network gets another layer, should everything learned before stay frozen?"


def _title(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").capitalize()


def _rendered(template: str, content: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render(content)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"quoted": _quoted, "quoted_tuple": _quoted_tuple, "numbers": _numbers}
    return environment


def _quoted(text: str) -> str:
    """Return `text` as Python writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _numbers(numbers: Sequence[int]) -> str:
    return f"({', '.join(map(str, numbers))}{',' if len(numbers) == 1 else ''})"


def _quoted_tuple(texts: Sequence[str], before: str) -> str:
    """Return a tuple of texts behind `before`, each on a line of its own if they do not fit into one."""
    quoted = [_quoted(text) for text in texts]
    line = f"{before}({', '.join(quoted)}{',' if len(quoted) == 1 else ''})"
    if len(line) < LINE:
        return line
    indent = " " * (len(before) - len(before.lstrip()))
    return "\n".join([f"{before}(", *(f"{indent}    {text}," for text in quoted), f"{indent})"])
