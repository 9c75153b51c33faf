"""What a verification leaves behind: verify.json in the run folder, and pictures beside the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge.commands.folders import VERIFY, whole_run
from digitedge.errors import DigitedgeError, UsageError
from digitedge.files import write_json
from digitedge.report.flips import sheet_of
from digitedge.report.sheet import save

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitedge.commands.folders import Listed
    from digitedge.commands.judging import Reference
    from digitedge.commands.verifying import Row
    from digitedge.report.terminal import Terminal


def draw(rows: Sequence[Row], against: Reference, terminal: Terminal) -> None:
    """A picture of the images beside each file that decides otherwise; none is left beside one that does not.

    Of a file that ran in several engines, the first that decides otherwise is drawn. Where the folder cannot be
    written, as on a device, that is said, and no failure.

    Args:
        rows: of the `verify` document; `picture` is set in those that are drawn.
        against: what they were compared with.
        terminal: for notes.
    """
    here = [row for row in rows if "outputs" not in row]  # what another machine saved has no file here
    for file in dict.fromkeys(Path(row["path"]) for row in here):
        picture = file.with_name(f"{file.name}.flips.png")
        row = next((row for row in here if row["path"] == str(file) and row["flip_details"]), None)
        flips = row["flip_details"] if row else []
        sheet = sheet_of(flips, against.golden, file=file.name, reference=against.path.name)
        try:
            if row is not None and sheet is not None:
                row["picture"] = str(save(sheet, picture))
            else:
                picture.unlink(missing_ok=True)
        except (DigitedgeError, OSError) as error:
            terminal.note(f"The picture of the images that {file.name} decides otherwise was not made: {error}")


def record(files: Sequence[Listed], document: dict[str, Any], terminal: Terminal) -> None:
    """Replaces the record of a run where all of it was judged. A device may not let us write there: that is said."""
    run = whole_run(files)
    if run is None:
        return
    try:
        write_json(run / VERIFY, document)
    except UsageError as error:
        terminal.note(f"{VERIFY} was not written: {error.message}")


def refresh(files: Sequence[Listed], terminal: Terminal) -> None:
    """Writes the report.html of a run anew where there is one, so that it says what the newest documents say."""
    run = whole_run(files)
    if run is not None:
        renew(run, terminal)


def renew(run: Path, terminal: Terminal) -> None:
    """The same for a run folder. What stands in the way of the page is said, and is no failure of what it tells of."""
    from digitedge.report.page import PAGE, write
    from digitedge.report.step import Step, made

    if not (run / PAGE).exists():
        return
    try:
        terminal.show(Step("report", [], made(write(run))))
    except DigitedgeError as error:
        terminal.note(f"{PAGE} is older than what was found now: {error}")
