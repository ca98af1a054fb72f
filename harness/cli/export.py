"""`harness export`: the network of a run, for use elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli import options

__all__ = ["export"]


def export(
    run: Annotated[str, typer.Argument(help="A run's id or its beginning, or STUDY/TRIAL/ARM/SEED.")],
    folder: Annotated[Path, typer.Argument(help="Where to; there must be nothing in it.")],
    to: Annotated[
        Literal["torch", "safetensors", "onnx", "hf"],
        typer.Option(help="A program of torch, weights with specs, a model of ONNX, or a folder for transformers."),
    ] = "torch",
    home: options.Home = Path("runs"),
    store: options.StoreFolder = None,
    storage: options.Storage = None,
) -> None:
    """Write the network that a run ended with into a folder, with a model card whose lines load it."""
    from harness.api.exporting.export_run import export as exported

    card = exported(run, folder, to=to, home=home, storage=storage, store=store)
    typer.echo(f"Model card: {card}")
