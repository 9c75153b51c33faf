"""The typer app: one line per command, nothing else."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from digitedge import __version__
from digitedge.commands import bench, doctor, export, predict, run, show, train, verify
from digitedge.errors import UsageError
from digitedge.report.terminal import Terminal


class OneLineErrors(TyperGroup):
    """A wrong option is told like any other error: in one line, or as a document under --json."""

    def main(self, args: Any = None, **settings: Any) -> Any:
        """Runs the command line and exits with the code of CLI errors, 2, where it cannot be understood."""
        words = list(sys.argv[1:] if args is None else args)
        if not settings.pop("standalone_mode", True):
            return super().main(args=words, standalone_mode=False, **settings)
        try:
            sys.exit(super().main(args=words, standalone_mode=False, **settings))
        except typer.TyperException as error:
            command = next((word for word in words if word in self.commands), "digitedge")
            sentence = getattr(error, "message", "") or str(error)
            help_of = f"digitedge {command}" if command != "digitedge" else command
            Terminal(json="--json" in words).fail(command, UsageError(sentence, f"See: {help_of} --help"))
            sys.exit(UsageError.exit_code)
        except typer.Abort:
            sys.exit(130)


app = typer.Typer(
    cls=OneLineErrors,
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


def main() -> None:
    """The `digitedge` command."""
    app()
