"""Options that several commands share, each with its one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.", rich_help_panel="Output")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only results and errors.", rich_help_panel="Output")]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show tracebacks and what libraries print.", rich_help_panel="Output")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.", rich_help_panel="Output")]

Resume = Annotated[bool, typer.Option("--resume", help="Go on where the newest run, or the one in --out, was stopped.")]

Data = Annotated[
    str,
    typer.Option(help="mnist, mnist-kaggle, a Kaggle .csv, IDX files, an .npz, or a folder with a sub-folder a class."),
]
JudgedOn = Annotated[
    str | None, typer.Option("--data", help="Labelled images to judge on, instead of the run's own test set.")
]
Size = Annotated[
    str | None, typer.Option(help="Resize every image: 32, or 32x48 (height x width). (default: as they are)")
]
Test = Annotated[str | None, typer.Option(help="Another data set to judge by, never learnt from.")]
OutRun = Annotated[Path | None, typer.Option("--out", help="The run folder. (default: runs/MODEL)")]
Sources = Annotated[
    list[Path] | None, typer.Argument(help="Run folders or model files. (default: the newest run)", show_default=False)
]
