"""The command `harness`: its subcommands, and how it ends."""

import gc
import io
import logging
import sys

import typer

from harness.cli import (
    bench,
    best,
    cache,
    compare,
    doctor,
    examples,
    export,
    new,
    plan,
    power,
    register,
    render,
    report,
    reproduce,
    run,
    show,
    signal,
    sync,
    ui,
    verify,
    version,
    worker,
)
from harness.cli import list as list_command
from harness.cli.portable import choose_instruction_sets
from harness.core.errors import HarnessError, InputError, InterruptedRunError

__all__ = ["app", "main"]

HELP = """The experiment harness for growing neural networks.

\b
To begin:     harness examples, then harness run digits-late-classes
Your own:     harness new NAME --own-data FILE.csv, then harness run NAME
In trouble:   harness doctor; harness show NAME says why runs failed
For a paper:  harness report NAME --out DIR, harness render DIR --paper OUT
Options:      harness COMMAND --help
"""

app = typer.Typer(
    name="harness",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("new")(new.new)
app.command("examples")(examples.examples)
app.command("doctor")(doctor.doctor)
app.command("register")(register.register)
app.command("run")(run.run)
app.command("worker")(worker.worker)
app.command("plan")(plan.plan)
app.command("list")(list_command.list_studies)
app.command("show")(show.show)
app.command("best")(best.best)
app.command("report")(report.report)
app.command("power")(power.power)
app.command("render")(render.render)
app.command("verify")(verify.verify)
app.command("compare")(compare.compare)
app.command("ui")(ui.ui)
app.command("sync")(sync.sync)
app.command("signal")(signal.signal)
app.command("reproduce")(reproduce.reproduce)
app.command("export")(export.export)
app.add_typer(cache.app, name="cache")
app.command("bench")(bench.bench)

app.callback()(version.version)

WRONG_INPUT, FAILED, INTERRUPTED = 2, 1, 130


def main() -> None:
    """Run the command line. What went wrong is one line on stderr; the exit code is 2 for wrong input.

    A full disk, say, is an error of the system, which may come up wherever a file is written: it has a line, too.
    """
    choose_instruction_sets(sys.argv[1:])
    _print_whatever_can_be()
    logging.basicConfig(level=logging.WARNING, format="harness: %(message)s")
    try:
        app(prog_name="harness")
    except InterruptedRunError as error:
        _end(f"{error}; the same command continues where this one stopped", INTERRUPTED)
    except InputError as error:
        _end(str(error), WRONG_INPUT)
    except HarnessError as error:
        _end(str(error), FAILED)
    except OSError as error:
        _end(f"{error}; once that is mended, the same command goes on from what is stored", WRONG_INPUT)
    except MemoryError:
        _end("memory is used up; with more of it, the same command goes on from what is stored", FAILED)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # Typer's way of passing Ctrl-C on
            sys.stderr.write("harness: interrupted; the same command continues where this one stopped\n")
        raise
    finally:
        gc.freeze()  # or Python looks through all objects once more before it ends


def _print_whatever_can_be() -> None:
    """Let a terminal that knows ASCII alone show `?` for other characters; Python would raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _end(message: str, code: int) -> None:
    from harness.reporting.data.wording import (
        visible,
    )  # what somebody else's file is called may be meant for a terminal

    sys.stderr.write(f"harness: {visible(message)}\n")
    sys.exit(code)
