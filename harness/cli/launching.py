"""Options of `harness run` that say where its workers come from."""

import math
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.search.launchers import AbstractLauncher
    from harness.staging.database import Database

__all__ = ["Address", "CpusPerWorker", "GpusPerWorker", "Launcher", "launcher_of"]

Launcher = Annotated[Literal["processes", "ray"], typer.Option(help="Who starts the workers.")]
Address = Annotated[
    str | None,
    typer.Option(help="Of a Ray cluster; by default Ray is started on this machine alone.", envvar="RAY_ADDRESS"),
]
CpusPerWorker = Annotated[float | None, typer.Option(min=0, help="That Ray sets aside for each worker; by default 1.")]
GpusPerWorker = Annotated[float | None, typer.Option(min=0, help="Likewise, such as 0.25; by default none.")]


def launcher_of(
    name: str, address: str | None, cpus: float | None, gpus: float | None, database: "Database"
) -> "AbstractLauncher | None":
    """Return where workers come from; None for processes on this machine.

    Raises:
        InputError: Ray is not installed, or could not reach a SQLite file from other machines.
    """
    if name != "ray":
        # An address may be in the environment for other programs.
        if cpus is not None or gpus is not None:
            raise InputError("expected --launcher ray with --cpus-per-worker or --gpus-per-worker, found processes")
        return None
    if gpus and gpus > 1 and not math.isclose(gpus, round(gpus)):
        raise InputError(f"expected a whole number or a fraction below 1 as --gpus-per-worker, found {gpus:g}")
    if address not in (None, "local") and database.path is not None:
        raise InputError(
            f"expected --storage postgresql://... for the Ray cluster at {address}, found {database}, "
            "which serves one machine"
        )
    try:
        from harness.search.launchers.on_ray import LOCAL, OnRay
    except ModuleNotFoundError as error:
        raise InputError(
            f"expected {error.name} to be installed for --launcher ray; pip install 'harness[ray]'"
        ) from None
    return OnRay(address or LOCAL, cpus=1.0 if cpus is None else cpus, gpus=gpus or 0.0)
