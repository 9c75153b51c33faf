import pytest

from digitedge.mutation.every import mutations
from digitedge.report.steps.self_test import step


def _row(mutation, *, failed=("labels",), applicable=True, name="a\x1b.onnx"):
    caught = applicable and "labels" in failed
    return {
        "mutation": mutation, "says": "what is wrong", "path": f"/x/{name}", "format": "onnx", "precision": "fp32",
        "expects": "labels", "failed": list(failed), "reason": None, "applicable": applicable, "caught": caught,
    }  # fmt: skip


def _document(*rows, passed=True):
    counts = {key: sum(row[key] for row in rows) for key in ("applicable", "caught")}
    return {"self_test": {"results": list(rows), **counts, "passed": passed}}


def _lines(out):
    return [" ".join(line.split()) for line in out.splitlines() if line]


def test_one_line_a_mutation_and_the_verdict(printed):
    document = _document(
        _row("kernel-rotated"),
        _row("kernel-rotated", name="a.int8.onnx"),
        _row("channels-bgr", failed=(), applicable=False),
    )
    assert _lines(printed(step(document))) == [
        "controls made wrong caught by files what is wrong",
        "kernel-rotated labels 2 of 2 what is wrong",
        "channels-bgr labels – what is wrong",  # noqa: RUF001
        "– these files have no place for that.",  # noqa: RUF001
        "2 of 2 wrong files were rejected, each by the check that is meant to catch it.",
    ]


@pytest.mark.parametrize(
    ("failed", "instead"), [((), "it passes every check"), (("scores", "cpus"), "it fails scores, cpus instead")]
)
def test_a_wrong_file_that_was_not_caught_is_named(printed, failed, instead):
    lines = _lines(printed(step(_document(_row("kernel-rotated"), _row("bias-dropped", failed=failed), passed=False))))
    assert lines[2] == "bias-dropped labels 0 of 1 what is wrong"
    assert " ".join(lines[3:-1]) == rf"a\x1b.onnx, bias-dropped: labels does not catch it; {instead}."
    assert lines[-1] == "1 of 2 wrong files were not caught."


def test_too_few_prove_nothing(printed):
    document = _document(_row("kernel-rotated"), passed=False)
    assert _lines(printed(step(document)))[-1] == "1 wrong file could be made: too few to prove the checks."
    assert printed(step(document), quiet=True).strip() == "1 wrong file could be made: too few to prove the checks."


def test_the_table_fits_the_page(printed):
    rows = [_row(mutation.name) | {"says": mutation.says, "expects": mutation.expects} for mutation in mutations()]
    lines = printed(step(_document(*rows))).rstrip().splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) == len(rows) + 2
