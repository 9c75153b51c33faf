"""report.html: one file that says everything about a run. No network, light and dark, on paper too."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitedge import __version__
from digitedge.errors import ContentError, package_missing
from digitedge.files import write_text
from digitedge.measure.machine import summary
from digitedge.report import bench_page, charts, pictures, quantities, verify_page
from digitedge.report.record import Record, read
from digitedge.report.steps.bench import state

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment

PAGE = "report.html"


def write(folder: Path) -> Path:
    """Writes report.html into a run folder, from the documents that lie there. What has not been made is left out.

    Returns:
        Its path.

    Raises:
        ContentError: there is nothing to report, or a document is damaged.
        NotPresentError: jinja2 or matplotlib is not installed.
    """
    return write_text(folder / PAGE, render(read(folder)))


def render(record: Record) -> str:
    """The page as HTML.

    Raises:
        ContentError: a document lacks what it should hold.
        NotPresentError: jinja2 or matplotlib is not installed.
    """
    environment = _environment()
    from jinja2 import UndefinedError

    try:
        return environment.get_template("report.html").render(
            version=__version__,
            name=record.folder.resolve().name,
            record=record,
            machine=_machine(record),
            charts=_charts(record),
            pictures=_pictures(record),
            verified=verify_page.prepared(record.verify, record.golden) if record.verify else None,
            benched=bench_page.prepared(record.bench) if record.bench else None,
        )
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, UndefinedError) as error:
        message = f"a document in {record.folder} cannot be understood: {error!r}."
        raise ContentError(message, "Make it again with this version of digitedge.") from error


def _machine(record: Record) -> dict[str, Any]:
    """The machine of the newest document: it is what the figures on top depend on."""
    newest = record.bench or record.verify or record.train
    return newest["machine"] if newest else {}


def _charts(record: Record) -> dict[str, str]:
    drawn = {}
    if record.train:
        drawn["curves"] = charts.curves(record.train["history"])
    matrix = pictures.confusion_matrix(record.golden) if record.golden else None
    if record.golden and matrix is not None:
        drawn["confusion"] = charts.confusion(matrix, record.golden.classes)
    return drawn


def _pictures(record: Record) -> dict[str, Any]:
    if record.golden is None:
        return dict.fromkeys(("each", "predictions", "mistakes"), ())
    return {
        "each": pictures.one_of_each(record.golden),
        "predictions": pictures.predictions(record.golden),
        "mistakes": pictures.mistakes(record.golden),
    }


def _environment() -> Environment:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise package_missing("jinja2", "report", "writing the report") from error
    environment = Environment(
        loader=PackageLoader("digitedge.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    spelled: dict[str, Callable[[Any], str]] = {
        "count": quantities.count,
        "percent": quantities.percent,
        "size": quantities.size,
        "us": quantities.duration_us,
        "ms": quantities.duration_ms,
        "duration": quantities.duration,
        "rate": quantities.rate,
        "difference": quantities.difference,
        "decibels": quantities.decibels,
        "p_value": quantities.p_value,
        "drift": quantities.points,
        "figure": quantities.figure,
    }
    for name, spell in spelled.items():
        environment.filters[name] = partial(_spelled, spell=spell)
    environment.filters |= {"file": _file, "state": state, "machine": summary}
    environment.filters |= verify_page.FILTERS | bench_page.FILTERS
    environment.globals |= {"share": quantities.share, "plural": quantities.plural}
    return environment


def _spelled(value: Any, spell: Callable[[Any], str]) -> str:
    """The figure and its unit, which no line break parts."""
    return quantities.maybe(value, spell).replace(" ", "\N{NO-BREAK SPACE}")


def _file(path: str) -> str:
    return Path(path).name
