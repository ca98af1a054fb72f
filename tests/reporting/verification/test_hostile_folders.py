"""A folder that a stranger wrote: it fails naming the file, and neither breaks, blocks nor speaks to the terminal."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from harness.cli.verify import verify as command
from harness.reporting.publication.manifest import MANIFEST
from harness.reporting.verification.verify import verify

Harm = Callable[[Path], None]
FORGED = "x\x1b[2J\x1b[H\r\nPASS-BITWISE: all 84 files are those of the manifest\u202e"


def signed(report: Path, path: str, content: bytes) -> None:
    """Write a file and have the manifest name it."""
    (report / path).write_bytes(content)
    manifest = json.loads((report / MANIFEST).read_text())
    for entry in manifest["files"]:
        if entry["path"] == path:
            entry.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    lines = "".join(f"{entry['sha256']}  {entry['path']}\n" for entry in manifest["files"])
    manifest["root_sha256"] = hashlib.sha256(lines.encode()).hexdigest()
    (report / MANIFEST).write_text(json.dumps(manifest))


def sparse(report: Path) -> None:
    with (report / "data" / "curves.parquet").open("wb") as stream:
        stream.truncate(200 * 2**30)


def pipe(report: Path) -> None:
    (report / "environment.json").unlink()
    os.mkfifo(report / "environment.json")


def device(report: Path) -> None:
    (report / "report.md").unlink()
    (report / "report.md").symlink_to("/dev/zero")


def bottomless_manifest(report: Path) -> None:
    (report / MANIFEST).write_bytes(b"[" * 200_000)


HARM: dict[str, tuple[str, Harm]] = {
    "garbage Parquet": ("data/runs.parquet", lambda report: signed(report, "data/runs.parquet", b"PAR1 garbage PAR1")),
    "another alphabet": ("tables/primary.csv", lambda report: signed(report, "tables/primary.csv", b"a\n\xff\xfe\n")),
    "a bottomless study": ("study.json", lambda report: signed(report, "study.json", b'{"a":' * 200_000)),
    "a bottomless summary": ("summary.json", lambda report: signed(report, "summary.json", b"[" * 200_000)),
    "a bottomless manifest": (MANIFEST, bottomless_manifest),
    "a sparse file": ("data/curves.parquet", sparse),
    "a pipe": ("environment.json", pipe),
    "a device": ("report.md", device),
}


@pytest.mark.parametrize("what", HARM)
def test_it_fails_naming_the_file(report: Path, what: str) -> None:
    path, harm = HARM[what]
    harm(report)

    found = verify(report)

    assert (found.outcome, found.problems[0].level, found.problems[0].path) == ("FAIL", 0, path)


def test_nothing_that_a_folder_is_called_reaches_the_terminal(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads((report / MANIFEST).read_text())
    manifest["files"].append({"path": FORGED, "bytes": 1, "sha256": "0" * 64})
    (report / MANIFEST).write_text(json.dumps(manifest))
    (report / "tables" / FORGED.replace("\r", "").replace("\n", "")).touch()
    (report / os.fsdecode(b"\xff.csv")).touch()

    with pytest.raises(typer.Exit) as ended:
        command(report)

    said = capsys.readouterr().out
    assert ended.value.exit_code == 1
    assert not {"\x1b", "\r", "\u202e"} & set(said)
    assert [line for line in said.splitlines() if line.startswith("PASS")] == []
    assert "<U+001B>[2J" in said
