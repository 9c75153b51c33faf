"""Files that a verification has rejected: however fast they are, nobody should ship them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitedge.errors import ContentError
from digitedge.files import read_bytes, read_json, sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

VERIFY = "verify.json"


def rejections(paths: Iterable[Path]) -> Mapping[Path, str]:
    """Why the verify.json beside a file rejects it, for each that it rejects.

    It speaks of a file where the digest is the same: what was exported again since has not been verified.

    Args:
        paths: model files.

    Raises:
        ContentError: a verify.json cannot be understood.
    """
    found = {}
    for path in dict.fromkeys(paths):
        record = path.parent / VERIFY
        if path.is_file() and record.exists():
            reasons = _reasons(record, path.name, sha256(read_bytes(path)))
            if reasons:
                found[path] = "; ".join(reasons)
    return found


def _reasons(record: Path, name: str, digest: str) -> list[str]:
    try:
        rows: list[dict[str, Any]] = read_json(record)["results"]
        failed = [row for row in rows if not row["passed"] and row.get("sha256") == digest]
        return list(dict.fromkeys(f"{row['reason']} ({row['engine'] or row['provider']})" for row in failed))
    except (KeyError, TypeError, AttributeError) as error:
        message = f"{record} does not say whether {name} passed: {error!r}."
        raise ContentError(message, "Make it again with: digitedge verify") from error
