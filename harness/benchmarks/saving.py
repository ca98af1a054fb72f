"""Benchmark results as files."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from harness.benchmarks._base import Figure

__all__ = ["as_table", "machine", "save_json", "save_report"]


def as_table(figures: Sequence[Figure]) -> list[tuple[str, str, str, str]]:
    """Return rows of text: figure, value, target, met."""
    answers = {True: "yes", False: "no", None: ""}
    return [
        (f.figure, f"not measured: {f.note}" if f.note else _number(f.value), f.target, answers[f.met]) for f in figures
    ]


def _number(value: float) -> str:
    """Write a number with three digits that count, or all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def save_json(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures as a list of objects with the keys figure, value, target and met.

    One that could not be measured has the value null, and a note that says why.
    """
    path.write_text(json.dumps([_as_dict(figure) for figure in figures], indent=2) + "\n")


def _as_dict(figure: Figure) -> dict[str, object]:
    named = asdict(figure)
    if figure.note:
        return named | {"value": None}
    return {name: value for name, value in named.items() if name != "note"}


def machine() -> str:
    """Describe the machine in a line, without its name, and how busy it was in the last minute."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return (
        f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} thread(s), "
        f"Python {platform.python_version()}, torch {torch.__version__}{gpu}{load}"
    )


def save_report(name: str, figures: Sequence[Figure], folder: Path, *, quick: bool) -> Path:
    """Write `<folder>/<name>/README.md` and `figures.json`; return the folder.

    Sections that someone wrote below the table stay.
    """
    out = folder / name
    out.mkdir(parents=True, exist_ok=True)
    rows = ["| " + " | ".join(row) + " |" for row in as_table(figures)]
    command = f"harness bench {name}{' --quick' if quick else ''} --save"
    lines = [f"# Benchmark: {name}", "", f"`{command}` on {machine()}.", ""]
    lines += ["| figure | value | target | met |", "| --- | ---: | --- | --- |", *rows, ""]
    page = out / "README.md"
    _, heading, written = page.read_text().partition("\n## ") if page.exists() else ("", "", "")
    page.write_text("\n".join(lines) + heading + written)
    save_json(figures, out / "figures.json")
    return out
