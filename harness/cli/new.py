"""`harness new`: a study to change."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from harness.core.errors import DataError, InputError, SpecError

if TYPE_CHECKING:
    from harness.scaffold import TaskGuess

__all__ = ["new"]


def new(
    name: Annotated[str, typer.Argument(help="Of the study; it is written to studies/NAME.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="STUDY", help="Copy this study: one of `harness examples`, or any other."),
    ] = None,
    own_model: Annotated[
        bool, typer.Option("--own-model", help="With a network of your own, written in the study's file.")
    ] = False,
    own_data: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="On a table of your own, whose columns are looked at."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Of the table, what is predicted, if not what was guessed.")
    ] = None,
) -> None:
    """Make a study to change: studies/NAME/study.py, with a README and a place for the prediction."""
    folder = _new_folder(name)
    if source and (own_model or own_data):
        raise InputError("expected --from, or --own-model and --own-data, found both; leave one out")
    if label and not own_data:
        raise InputError("expected --own-data with --label, found --label alone; name the table's file")
    from harness.scaffold import copy_of, new_study
    from harness.search.find import find_study

    guess, lines = _tried(_guess(own_data, label)) if own_data else (None, [])
    files = copy_of(find_study(source), name) if source else new_study(name, own_model=own_model, guess=guess)
    _write(folder, files)
    for line in lines:
        typer.echo(line)
    typer.echo(f"{folder}/study.py   what is run; change it")
    typer.echo(f"{folder}/README.md  the question, and a place for your prediction before the first run")
    typer.echo(f"Then:  harness plan {name}   what would be run\n       harness run {name}    from there to its report")


def _new_folder(name: str) -> Path:
    from harness.search.find import shipped_studies
    from harness.search.study_name import check_study_name

    try:
        check_study_name(name)
    except ValueError as error:
        raise SpecError(str(error)) from None
    folder = Path("studies", name)
    if folder.exists() or name in shipped_studies():
        where = f"at {folder}" if folder.exists() else "among those that come with harness"
        raise InputError(f"expected a new name, found a study {name!r} {where}; choose another name")
    return folder


def _guess(file: Path, label: str | None) -> "TaskGuess":
    from harness.scaffold import guess_task, read_table

    here = Path(os.path.relpath(file.resolve())) if file.is_file() else file
    if here.parts[0] == "..":
        raise DataError(f"expected a file below {Path.cwd()}, found {file}; copy or link it here")
    return guess_task(read_table(here), label)


def _tried(guess: "TaskGuess") -> tuple["TaskGuess", list[str]]:
    """Return the guess, without groups if they cannot be divided, and what is said of it once its data were loaded."""
    from harness.scaffold import described

    try:
        return guess, described(guess, _notes(guess))
    except DataError as error:
        if not guess.group:
            raise
        alone, lines = _tried(guess.without_group())
        return alone, [lines[0], f"  not divided by {guess.group!r}: {error}", *lines[1:]]


def _notes(guess: "TaskGuess") -> tuple[str, ...]:
    """Return what loading the data leaves to be said. Raises `DataError` if a study could not load them."""
    from harness.data import load_task
    from harness.scaffold import new_study
    from harness.search.load import load_study

    with TemporaryDirectory() as folder:
        _write(Path(folder, "tried"), new_study("tried", guess=guess))
        return load_task(load_study(Path(folder, "tried", "study.py")).base.task, None).notes


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {folder} ({error.strerror}); go to a folder that you can write to") from None
