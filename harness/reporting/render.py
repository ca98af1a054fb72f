"""Writing all files of a report that was published: they follow from its data."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import InputError
from harness.reporting.data.environment import environment, environment_differences
from harness.reporting.publication.manifest import digests_left_out
from harness.reporting.publication.published_files import published_files
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.report_folder import read_intact_report
from harness.reporting.publication.source_files import ENVIRONMENT, sources_among
from harness.reporting.report import report_files

__all__ = ["Rendered", "render"]


@dataclass(frozen=True)
class Rendered:
    """Where all files of a report now lie, and how many were written."""

    folder: Path
    written: int


def render(folder: Path, out: Path | None = None, *, published: bool = False) -> Rendered:
    """Write what the report in `folder` leaves out beside it, or the whole report anew into the folder `out`.

    If `published`, `out` gets what is published and nothing that follows from it.

    Raises:
        InputError: the folder holds no report as it was written, `out` is missing or cannot be written, or, without
            `out`, this environment writes other bytes than the manifest names.
    """
    if published and out is None:
        raise InputError("expected --out with --published, since a published report is written anew; name a folder")
    files = read_intact_report(folder)
    rendered = report_files(sources_among(files))
    if out is not None:
        written = published_files(rendered) if published else rendered
        publish(out, written)
        return Rendered(out, len(written))
    _check(folder, files, rendered)
    publish(folder, rendered)
    return Rendered(folder, len(rendered) - len(files))


def _check(folder: Path, files: dict[str, bytes], rendered: dict[str, bytes]) -> None:
    """Refuse to lay files beside a manifest that does not name them."""
    named = digests_left_out(files) | {path: _sha256(content) for path, content in files.items()}
    other = sorted({*named, *rendered} - {path for path in rendered if named.get(path) == _sha256(rendered[path])})
    if other:
        here = environment_differences(json.loads(files[ENVIRONMENT]), environment())
        why = f"; this environment differs: {'; '.join(here)}" if here else ""
        raise InputError(
            f"expected to write the files that the manifest of {folder} names; {len(other)} would have other bytes, "
            f"{other[0]} first; write them elsewhere with --out{why}"
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
