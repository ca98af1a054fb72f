"""CSV files: a table of the runs, and the curves of each."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import final

from harness.tracking._base import Place
from harness.tracking._folder import AbstractFolderTracker
from harness.tracking._study_folder import StudyFolder, file_name
from harness.tracking.content.entry import RunEntry, StudyEntry
from harness.tracking.content.finals import FINAL
from harness.tracking.content.points import Point

__all__ = ["CsvTracker", "RunTable"]

RUNS, CURVES, STUDY = "runs.csv", "curves", "study.csv"
IDENTITY = "identity"


@final
class CsvTracker(AbstractFolderTracker):
    """Writes, for each study, `runs.csv`, `study.csv` and `curves/<run>.csv`.

    A line of `runs.csv` holds a run's name, its params, its final results and its tags; one of `curves/<run>.csv` holds
    a metric, a step and a value.
    """

    kind = "csv"
    title = "CSV"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._tables: dict[Path, RunTable] = {}

    @classmethod
    def links(cls, address: str, study: str | None, home: Path) -> dict[str, str]:  # noqa: ARG003
        """Return the paths of the table and of the folder with curves."""
        folder = Path(address, study or "STUDY")
        return {"Runs": str(folder / RUNS), "Curves": str(folder / CURVES)}

    def write_study(self, folder: StudyFolder, entry: StudyEntry, outcome: str) -> None:
        """Write `study.csv`."""
        rows = {"study": entry.name, "outcome": outcome, **entry.tags, "note": entry.note}
        folder.write(STUDY, _lines([("field", "value"), *rows.items()]))

    def write_run(self, folder: StudyFolder, entry: RunEntry, others: Mapping[Point, int]) -> None:
        """Write the curves, and then the line of the table."""
        if (known := folder.file_of(entry.identity)) not in {"", file_name(entry)}:
            (folder.path / CURVES / f"{known}.csv").unlink(missing_ok=True)
        curves = [
            (key, step, repr(value))
            for key, series in entry.metrics.items()
            if not key.startswith(f"{FINAL}/")
            for step, value in zip(series.steps, series.values, strict=True)
        ]
        curves += [(point.key, point.step, repr(point.value)) for point in others]
        folder.write(f"{CURVES}/{file_name(entry)}.csv", _lines([("metric", "step", "value"), *curves]))
        self._table(folder).put(_row(entry))

    def _table(self, folder: StudyFolder) -> "RunTable":
        file = folder.path / RUNS
        if file not in self._tables:
            self._tables[file] = RunTable(file)
        return self._tables[file]


@final
class RunTable:
    """The table of the runs of a study: a line is added where that is enough, else the file is written anew.

    Args:
        file: whose lines are read; one that a kill has torn is left out.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._columns: list[str] = []
        self._rows: dict[str, dict[str, str]] = {}
        self._is_whole = self._read()

    def put(self, row: Mapping[str, str]) -> None:
        """Put a row into the table, in place of the one of the same run."""
        known = self._rows.get(row[IDENTITY])
        if known == row and self._is_whole:
            return
        self._rows[row[IDENTITY]] = dict(row)
        others = [name for name in row if name not in self._columns]
        if known is None and not others and self._is_whole:
            self._append(row)
        else:
            self._columns += others
            self._rewrite()

    def _append(self, row: Mapping[str, str]) -> None:
        self._is_whole = False
        with self._file.open("ab") as file:
            file.write(_lines([self._cells(row)]))
        self._is_whole = True

    def _rewrite(self) -> None:
        beside = self._file.with_name(f".{self._file.name}.new")
        beside.write_bytes(_lines([self._columns, *map(self._cells, self._rows.values())]))
        beside.replace(self._file)
        self._is_whole = True

    def _cells(self, row: Mapping[str, str]) -> list[str]:
        return [row.get(name, "") for name in self._columns]

    def _read(self) -> bool:
        """Read the rows that are whole, and return whether all are."""
        if not self._file.exists():
            return False
        text = self._file.read_bytes().decode(errors="replace")
        lines = list(csv.reader(io.StringIO(text, newline="")))
        self._columns = lines[0] if lines and IDENTITY in lines[0] else []
        whole = [line for line in lines[1:] if len(line) == len(self._columns)]
        if whole and not text.endswith("\n"):
            whole.pop()
        for line in whole:
            row = dict(zip(self._columns, line, strict=True))
            self._rows[row[IDENTITY]] = {name: cell for name, cell in row.items() if cell}
        return text.endswith("\n") and len(self._rows) == len(lines) - 1


def _row(entry: RunEntry) -> dict[str, str]:
    finals = {key: repr(series.values[-1]) for key, series in entry.metrics.items() if key.startswith(f"{FINAL}/")}
    params = {f"params/{name}": text for name, text in entry.params.items()}
    tags = {f"tags/{name}": text for name, text in entry.tags.items()}
    row = {"run": entry.name, IDENTITY: entry.identity, "status": entry.status, **params, **finals, **tags}
    return {name: text for name, text in row.items() if text}


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
