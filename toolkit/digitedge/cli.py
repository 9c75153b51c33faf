"""The typer app: one line per command, nothing else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digitedge import __version__
from digitedge.commands import bench, doctor, export, predict, run, show, train, verify
from digitedge.errors import StoppedError, UsageError
from digitedge.report.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From an image classifier to a proved file in a device: train, export with int8, verify, bench.",
)
app.command("run")(run.run)
app.command("train")(train.train)
app.command("export")(export.export)
app.command("verify")(verify.verify)
app.command("bench")(bench.bench)
app.command("predict")(predict.predict)
app.command("show")(show.show)
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def digitedge(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Prints the version, or the help where no command is named."""
    if version:
        typer.echo(f"digitedge {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(words: Sequence[str] | None = None) -> None:
    """The `digitedge` command: carries it out and exits with its code.

    Args:
        words: what was typed after `digitedge`; None for the command line of this process.

    Raises:
        SystemExit: always.
    """
    words = sys.argv[1:] if words is None else words
    try:
        sys.exit(app(list(words), prog_name="digitedge", standalone_mode=False))
    except typer.TyperException as error:
        sys.exit(_refuse(words, error))
    except typer.Abort:
        sys.exit(StoppedError.exit_code)


def _refuse(words: Sequence[str], error: typer.TyperException) -> int:
    """A command line that cannot be understood is told like any other error: in one line, or as a document."""
    commands = [command.name for command in app.registered_commands]
    command = next((word for word in words if word in commands), "")
    page = f"digitedge {command} --help" if command else "digitedge --help"
    # pydantic, which reads the values for typer, begins with a word of its own.
    sentence = error.format_message().replace("Value error, ", "")
    ended = sentence if sentence.endswith((".", "?")) else f"{sentence}."
    Terminal(json="--json" in words).fail(command or "digitedge", UsageError(ended, f"See: {page}"))
    return UsageError.exit_code
