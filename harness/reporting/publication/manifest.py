"""The manifest: the size and SHA-256 of every file of a report, the rows of its tables, a digest of every run."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from harness.core.digest import digest
from harness.reporting.publication.published_files import is_published
from harness.reporting.publication.readable import rows_of
from harness.reporting.publication.source_files import json_bytes

__all__ = ["MANIFEST", "changed_runs", "check_files", "digests_left_out", "manifest_of", "name_of_row", "stated_bytes"]

MANIFEST = "manifest.json"
MANIFEST_VERSION = 2
UNREADABLE = (KeyError, TypeError, ValueError, RecursionError)  # what a forged manifest makes its reader raise
WHOLE_VERSION = 1  # of reports whose folders always held all files


def manifest_of(study: str, files: Mapping[str, bytes], runs: pd.DataFrame) -> bytes:
    """Return the manifest of a report's other files."""
    entries = [_entry(path, files[path]) for path in sorted(files)]
    return json_bytes(
        {
            "manifest_version": MANIFEST_VERSION,
            "study": study,
            "root_sha256": _root(entries),
            "files": entries,
            "runs_sha256": _row_digests(runs),
        }
    )


def _root(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of the list that `sha256sum` prints for the files, which names the report as a whole."""
    lines = "".join(f"{entry['sha256']}  {entry['path']}\n" for entry in entries)
    return hashlib.sha256(lines.encode()).hexdigest()


def _entry(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"bytes": len(content), "path": path, "sha256": hashlib.sha256(content).hexdigest()}
    rows = rows_of(path, content)
    return entry if rows is None else entry | {"rows": rows}


def _row_digests(runs: pd.DataFrame) -> list[str]:
    """Return a digest per row that sees the last bit of every number."""
    names = [str(name) for name in runs.columns]
    rows = zip(*(map(_exact, runs[name].tolist()) for name in runs.columns), strict=True)
    return [digest([names, row])[:16] for row in rows]


def _exact(value: Any) -> Any:
    return value.hex() if isinstance(value, float) else repr(value)


def check_files(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return what is wrong with a report's files, as (path, what), by the report's own manifest."""
    try:
        manifest = json.loads(files[MANIFEST])
        known = {str(entry["path"]): entry for entry in manifest["files"]}
        consistent = manifest["root_sha256"] == _root(manifest["files"])
    except KeyError as missing:
        return [(MANIFEST, "is missing" if MANIFEST not in files else f"has no {missing}")]
    except UNREADABLE:
        return [(MANIFEST, "cannot be read")]
    version = manifest.get("manifest_version")
    if version not in (WHOLE_VERSION, MANIFEST_VERSION):
        return [(MANIFEST, f"has version {version!r:.20}, expected {MANIFEST_VERSION}")]
    present = set(files) - {MANIFEST}
    problems = [] if consistent else [(MANIFEST, "does not have the digest of its own list of files")]
    needed = {path for path in known if version == WHOLE_VERSION or is_published(path)}
    problems += [(path, "is missing") for path in sorted(needed - present)]
    problems += [(path, "is not in the manifest") for path in sorted(present - set(known))]
    for path in sorted(present & set(known)):
        problems += [(path, what) for what in _differences(path, files[path], known[path])]
    return problems


def stated_bytes(manifest: bytes) -> dict[str, int]:
    """Return how many bytes each file should have, by path; empty if the manifest cannot be read."""
    try:
        return {str(entry["path"]): int(entry["bytes"]) for entry in json.loads(manifest)["files"]}
    except UNREADABLE:
        return {}


def digests_left_out(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 by path of those files that the manifest names and the folder may leave out, and does."""
    try:
        manifest = json.loads(files[MANIFEST])
        if manifest["manifest_version"] == WHOLE_VERSION:
            return {}
        digests = {str(entry["path"]): str(entry["sha256"]) for entry in manifest["files"]}
    except UNREADABLE:
        return {}
    return {path: sha256 for path, sha256 in digests.items() if path not in files and not is_published(path)}


def _differences(path: str, content: bytes, expected: Mapping[str, Any]) -> list[str]:
    if hashlib.sha256(content).hexdigest() != expected.get("sha256"):
        return ["is not the file that the manifest names: its SHA-256 differs"]
    try:
        found = _entry(path, content)
    except Exception as error:  # noqa: BLE001  # whatever a forged table makes its reader do
        return [f"cannot be read: {type(error).__name__}"]
    return [
        f"has {found.get(key)} {key}, the manifest says {expected.get(key)!r:.40}"
        for key in ("bytes", "rows")
        if found.get(key) != expected.get(key)
    ]


def changed_runs(manifest: bytes, runs: pd.DataFrame) -> list[str]:
    """Name the rows of `runs` that are not those the manifest was made of."""
    try:
        expected = [str(value) for value in json.loads(manifest)["runs_sha256"]]
    except UNREADABLE:
        return ["cannot be checked row by row: the manifest has no digests of the runs"]
    found = _row_digests(runs)
    named = [
        f"row {place + 1} ({name_of_row(runs, place)}) is not the row that the manifest names"
        for place, row in enumerate(found)
        if row not in set(expected)
    ]
    gone = [place + 1 for place, row in enumerate(expected) if row not in set(found)] if not named else []
    named += [f"row {place} of {len(expected)} in the manifest is missing" for place in gone]
    return named or ([] if found == expected else ["has the rows of the manifest in another order"])


def name_of_row(frame: pd.DataFrame, place: int) -> str:
    """Say which run a row is, such as `trial 0, arm frozen, seed 1`."""
    return ", ".join(f"{name} {frame[name].iloc[place]}" for name in ("trial", "arm", "seed") if name in frame)
