"""Which files of a report are published: what people read, and the data that everything else follows from.

A folder that was published holds a fifth of a report's bytes. `harness render` writes the others, and `harness verify`
knows them by the manifest, which names every file of the report wherever it lies.
"""

from collections.abc import Mapping

from harness.reporting.publication.source_files import OPTIONAL_SOURCES, SOURCES

__all__ = ["SHOWN", "is_published", "published_files"]

SHOWN = ("paired_differences", "learning_curves", "kept_and_learned")  # the figures of report.md
PUBLISHED = {
    *("report.html", "report.md", "details.md", "reproduce.sh", "manifest.json"),
    *("runs.html", "runs.md", "checklists.html", "checklists.md"),
    *SOURCES,
    *OPTIONAL_SOURCES,
    *(f"figures/{name}.png" for name in SHOWN),
}


def is_published(path: str) -> bool:
    """Whether a file of a report lies in a folder that was published; any other may be left out."""
    return path in PUBLISHED


def published_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return those of a report's `files` that are published."""
    return {path: content for path, content in files.items() if is_published(path)}
