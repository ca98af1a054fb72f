"""`harness examples`: the studies that come with harness."""

import typer

__all__ = ["examples"]


def examples() -> None:
    """List the studies that come with harness."""
    from harness.scaffold.example import examples as found

    rows = [(one.name, one.title, _needs(one.download, one.extra)) for one in found()]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, title, needs in rows:
        typer.echo(f"{name:<{widths[0]}}  {title:<{widths[1]}}  {needs}")
    typer.echo("\nharness run NAME              runs one of them as it is, in this folder")
    typer.echo("harness new MINE --from NAME  makes a copy to change")


def _needs(download: str, extra: str) -> str:
    parts = [f"downloads {download}" if download else "", f"needs harness[{extra}]" if extra else ""]
    return ", ".join(filter(None, parts)) or "no download"
