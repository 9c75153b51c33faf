"""The sentences, word for word, and that none is said without proof."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.bench.row import Row
from digitedge.bench.verdict import faster_by, verdict

NO_VNNI: dict[str, Any] = {"flags": ["avx2"]}
VNNI: dict[str, Any] = {"flags": ["avx2", "avx_vnni"]}
UNKNOWN: dict[str, Any] = {"flags": None}
KILOBYTES = {"fp32": 818_000, "int8": 214_000}


def row(
    name: str, p50_us: float, *, spread_us: float = 0.5, agreement: float | None = 1.0, why: str | None = None
) -> Row:
    stem, precision, suffix = name.split(".")
    figures = {
        "path": Path(f"/run/{stem}.{precision}.{suffix}"),
        "format": {"c": "c99"}.get(suffix, suffix),
        "precision": precision,
        "provider": "cpu",
        "io": "copies",
        "threads": 1,
        "batch": 1,
        "n": 20_000,
        "p50_us": p50_us,
        "p50_low_us": p50_us - spread_us,
        "p50_high_us": p50_us + spread_us,
        "floor_p50_us": 3.0,
        "size_bytes": KILOBYTES[precision],
        "agreement": agreement,
        "disagreement": why,
        "stable": True,
        "valid": True,
    }
    return Row(**{**dict.fromkeys(field.name for field in fields(Row)), **figures})


ONNX, TFLITE = row("classic.fp32.onnx", 60), row("classic.fp32.tflite", 48.6)
INT8_ONNX, INT8_TFLITE = row("classic.int8.onnx", 78), row("classic.int8.tflite", 151)
ALL = [ONNX, INT8_ONNX, TFLITE, INT8_TFLITE]


def test_the_usual_four_files() -> None:
    assert verdict(ALL, NO_VNNI) == (
        "Ship classic.fp32.tflite: 48.6 µs, 1.23x faster than ONNX Runtime (classic.fp32.onnx). "
        "classic.int8.tflite is 3.1x slower than classic.fp32.tflite on this CPU (no VNNI): "
        "take it where 214 kB instead of 818 kB matter."
    )


@pytest.mark.parametrize("machine", [VNNI, UNKNOWN])
def test_the_cpu_is_blamed_only_where_it_is_known_to_lack_the_instructions(machine: dict[str, Any]) -> None:
    assert "classic.int8.tflite is 3.1x slower than classic.fp32.tflite: take it" in verdict(ALL, machine)


C99, INT8_C99 = (
    replace(row("classic.fp32.c", 38), size_bytes=3_000_000, flash_bytes=816_000, floor_p50_us=0.01),
    replace(row("classic.int8.c", 72.2), size_bytes=1_000_000, flash_bytes=204_000, floor_p50_us=0.01),
)


def test_a_c_source_beside_the_engines() -> None:
    assert verdict([C99, INT8_C99, *ALL], NO_VNNI) == (
        "Ship classic.fp32.c: 38.0 µs, 1.20x faster than LiteRT (classic.fp32.tflite) "
        "and 1.50x faster than ONNX Runtime (classic.fp32.onnx). "
        "classic.int8.c is 1.90x slower than classic.fp32.c on this CPU (no VNNI): "
        "take it where 204 kB of flash instead of 816 kB matter."
    )


def test_three_that_are_slower_are_a_list() -> None:
    near = replace(C99, path=Path("/run/other.fp32.c"), p50_us=40.0, p50_low_us=39.9, p50_high_us=40.1)
    assert verdict([C99, near, TFLITE, ONNX], NO_VNNI).startswith(
        "Ship classic.fp32.c: 38.0 µs, 1.05x faster than other.fp32.c, 1.20x faster than LiteRT (classic.fp32.tflite) "
        "and 1.50x faster than ONNX Runtime (classic.fp32.onnx)."
    )


def test_what_a_call_from_python_costs_is_no_merit_of_c() -> None:
    """40 against 38 µs are 5 %, and 3 µs of the 40 are the call: without it, LiteRT would be the faster one."""
    near = row("classic.fp32.tflite", 40)
    assert faster_by(C99, near) is None
    assert faster_by(C99, replace(near, floor_p50_us=0.01)) == pytest.approx(40 / 38)
    assert faster_by(C99, TFLITE) == pytest.approx((48.6 - 2.99) / 38)
    assert "no difference to classic.fp32.tflite is proved" in verdict([C99, near], NO_VNNI)


def test_two_files_of_one_engine_pay_the_same_for_a_call() -> None:
    assert faster_by(row("b.fp32.onnx", 30), replace(ONNX, floor_p50_us=9.0)) == 2.0


def test_an_engine_that_is_as_fast_is_not_named_slower_by_its_slowest_file() -> None:
    equal = row("classic.fp32.onnx", 48.7)
    assert verdict([TFLITE, equal, INT8_ONNX], NO_VNNI).startswith(
        "Ship classic.fp32.tflite: 48.6 µs; no difference to classic.fp32.onnx is proved. "
    )


def test_a_rejected_file_is_never_shipped_however_fast() -> None:
    why = "130 of 10,000 images get another label (gcc 12.2.0)"
    assert verdict([C99, TFLITE], NO_VNNI, {C99.path: why}) == (
        f"Ship classic.fp32.tflite: 48.6 µs. classic.fp32.c is left out: digitedge verify rejected it: {why}."
    )
    assert verdict([C99], NO_VNNI, {C99.path: why}) == (
        "No file can be recommended: classic.fp32.c is the fastest (38.0 µs), "
        f"but digitedge verify rejected it: {why}. Export it again."
    )


def test_other_batches_and_threads_do_not_compare() -> None:
    many = replace(row("classic.int8.onnx", 20), batch=64)
    two = replace(row("classic.int8.onnx", 20), threads=2)
    alone = "With 1 thread and batch 1: Ship classic.fp32.onnx: 60.0 µs."
    assert verdict([ONNX, many], NO_VNNI) == verdict([ONNX, two], NO_VNNI) == alone


def test_a_c_source_has_one_thread_whatever_the_others_have() -> None:
    two = replace(ONNX, threads=2)
    for rows in ([C99, two], [two, C99]):
        assert verdict(rows, NO_VNNI) == (
            "Ship classic.fp32.c: 38.0 µs, 1.50x faster than ONNX Runtime (classic.fp32.onnx)."
        )


def test_an_arm_cpu_lacks_the_dot_product() -> None:
    assert "on this CPU (no dot product): take it" in verdict(ALL, {"flags": ["asimd"]})


def test_the_next_file_and_the_plain_onnx_file_are_both_named() -> None:
    assert verdict([TFLITE, row("other.fp32.tflite", 53), ONNX], NO_VNNI) == (
        "Ship classic.fp32.tflite: 48.6 µs, 1.09x faster than other.fp32.tflite "
        "and 1.23x faster than ONNX Runtime (classic.fp32.onnx)."
    )


def test_int8_that_is_faster_is_shipped_with_the_bytes_that_it_saves() -> None:
    assert verdict([ONNX, row("classic.int8.onnx", 30)], VNNI) == (
        "Ship classic.int8.onnx: 30.0 µs, 2.0x faster than classic.fp32.onnx. "
        "It saves 604 kB against classic.fp32.onnx."
    )


def test_int8_that_is_faster_than_its_fp32_and_not_the_fastest() -> None:
    sentence = verdict([ONNX, row("classic.int8.onnx", 50), row("other.fp32.tflite", 20)], VNNI)
    assert sentence.endswith("classic.int8.onnx is 1.20x faster than classic.fp32.onnx and saves 604 kB.")


def test_overlapping_intervals_give_no_claim() -> None:
    wide = row("classic.fp32.tflite", 48.6, spread_us=12)
    assert faster_by(wide, ONNX) is None
    assert verdict([wide, ONNX], NO_VNNI) == (
        "Ship classic.fp32.tflite: 48.6 µs; no difference to classic.fp32.onnx is proved."
    )


def test_a_difference_under_three_percent_gives_no_claim_however_narrow_the_intervals() -> None:
    near, far = row("a.fp32.tflite", 58.5, spread_us=0.01), row("a.fp32.tflite", 58.0, spread_us=0.01)
    assert faster_by(near, ONNX) is None
    assert faster_by(far, ONNX) == pytest.approx(60 / 58)
    assert "no difference to classic.fp32.onnx is proved" in verdict([near, ONNX], NO_VNNI)


def test_no_difference_to_int8_is_said_with_the_bytes() -> None:
    same = row("classic.int8.onnx", 61)
    assert verdict([ONNX, same], NO_VNNI) == (
        "Ship classic.fp32.onnx: 60.0 µs; no difference to classic.int8.onnx is proved. "
        "classic.int8.onnx saves 604 kB against classic.fp32.onnx."
    )
    assert verdict([ONNX, same, TFLITE], NO_VNNI).endswith(
        "classic.int8.onnx saves 604 kB against classic.fp32.onnx, and no difference in speed is proved."
    )


@given(st.floats(1, 1e4), st.floats(0, 100), st.floats(1, 1e4), st.floats(0, 100))
def test_a_claim_always_has_its_proof(
    first_us: float, first_spread: float, second_us: float, second_spread: float
) -> None:
    a, b = (
        row("a.fp32.onnx", first_us, spread_us=first_spread),
        row("b.fp32.tflite", second_us, spread_us=second_spread),
    )
    fast, slow = sorted((a, b), key=lambda entry: float(entry.p50_us or 0))
    proved = fast.p50_us + (fast.p50_high_us - fast.p50_us) < slow.p50_low_us and slow.p50_us / fast.p50_us >= 1.03
    assert ("faster than" in verdict([a, b], NO_VNNI)) is proved
    assert faster_by(slow, fast) is None


def test_a_file_that_decides_otherwise_is_left_out_however_fast() -> None:
    saturating = row("classic.int8.onnx", 20, agreement=0.987, why="130 of 10,000 images get another label")
    assert verdict([ONNX, TFLITE, saturating], NO_VNNI) == (
        "Ship classic.fp32.tflite: 48.6 µs, 1.23x faster than ONNX Runtime (classic.fp32.onnx). "
        "classic.int8.onnx is left out: 130 of 10,000 images get another label."
    )


def test_without_a_reference_nothing_is_recommended() -> None:
    unjudged = [replace(entry, agreement=None) for entry in (ONNX, TFLITE)]
    assert verdict(unjudged, NO_VNNI) == (
        "No file can be recommended: classic.fp32.tflite is the fastest (48.6 µs), "
        "but it was not compared with the reference. Run digitedge verify."
    )


def test_an_invalid_row_is_not_a_candidate() -> None:
    invalid = replace(TFLITE, valid=False, p50_us=None, p50_low_us=None, p50_high_us=None, reason="it crashed")
    assert verdict([invalid, ONNX], NO_VNNI) == "Ship classic.fp32.onnx: 60.0 µs."


def test_nothing_valid_is_said_with_the_reasons() -> None:
    lost = replace(ONNX, valid=False, p50_us=None, reason="it did not return within 60 s")
    assert verdict([lost], NO_VNNI) == (
        "Nothing can be said: no file has a valid time (classic.fp32.onnx: it did not return within 60 s)."
    )
    assert verdict([], NO_VNNI) == "Nothing can be said: no file has a valid time (nothing was measured)."


def test_a_machine_that_was_not_quiet_is_said() -> None:
    shaken = replace(ONNX, stable=False, reason="its processes disagree by 40% about the median; 10% are allowed")
    assert verdict([shaken], NO_VNNI).endswith(
        "The machine was not quiet (classic.fp32.onnx: its processes disagree by 40% about the median; "
        "10% are allowed): measure again."
    )


def test_with_several_providers_each_is_named() -> None:
    elsewhere = replace(row("classic.fp32.onnx", 89), provider="openvino")
    assert verdict([ONNX, elsewhere], NO_VNNI) == (
        "Ship classic.fp32.onnx on cpu: 60.0 µs, 1.48x faster than classic.fp32.onnx on openvino."
    )


@pytest.mark.parametrize(
    ("p50_us", "words"),
    [(3.2349, "3.23 µs"), (48.64, "48.6 µs"), (151.4, "151 µs"), (999.7, "1.00 ms"), (31_415.9, "31.4 ms")],
)
def test_durations_have_three_digits_and_a_unit(p50_us: float, words: str) -> None:
    assert f"Ship classic.fp32.onnx: {words}." in verdict([row("classic.fp32.onnx", p50_us)], NO_VNNI)


def test_int8_that_saves_nothing_is_not_praised_for_it() -> None:
    large = replace(INT8_ONNX, size_bytes=900_000)
    assert verdict([ONNX, large], VNNI).endswith(
        "classic.int8.onnx is 1.30x slower than classic.fp32.onnx and saves no bytes."
    )


def test_of_a_c_source_the_flash_counts_and_not_the_text() -> None:
    fp32 = replace(ONNX, format="c99", path=Path("classic.fp32.c"), size_bytes=3_000_000, flash_bytes=816_000)
    int8 = replace(INT8_ONNX, format="c99", path=Path("classic.int8.c"), size_bytes=990_000, flash_bytes=206_000)
    assert verdict([fp32, int8], VNNI).endswith("take it where 206 kB of flash instead of 816 kB matter.")


def test_the_order_of_the_rows_does_not_matter() -> None:
    assert verdict(ALL[::-1], NO_VNNI) == verdict(ALL, NO_VNNI)


CUDA = replace(row("classic.fp32.onnx", 40), provider="cuda")
CUDA_DEVICE, CUDA_GRAPH = replace(CUDA, io="device"), replace(CUDA, io="graph")


def at(one: Row, p50_us: float, spread_us: float = 0.5) -> Row:
    return replace(one, p50_us=p50_us, p50_low_us=p50_us - spread_us, p50_high_us=p50_us + spread_us)


def test_what_a_caller_with_copies_pays_decides_and_what_a_graph_saves_is_added() -> None:
    rows = [TFLITE, at(CUDA, 60), at(CUDA_DEVICE, 50), at(CUDA_GRAPH, 20)]
    assert verdict(rows, VNNI) == (
        "Ship classic.fp32.tflite on cpu: 48.6 µs, 1.23x faster than ONNX Runtime (classic.fp32.onnx on cuda). "
        "classic.fp32.onnx on cuda is 1.20x faster without copies (50.0 µs) and 3.0x faster as a graph (20.0 µs)."
    )


def test_a_graph_that_is_not_proved_to_save_anything_is_not_named() -> None:
    rows = [ONNX, at(CUDA, 40), at(CUDA_DEVICE, 39, 2), at(CUDA_GRAPH, 39.5, 0.1)]
    invalid = replace(at(CUDA_GRAPH, 1), valid=False, reason="no")
    wrong = replace(at(CUDA_DEVICE, 1), disagreement="it decides otherwise")
    for others in (rows[2:], [invalid], [wrong]):
        assert verdict([*rows[:2], *others], VNNI) == (
            "Ship classic.fp32.onnx on cuda: 40.0 µs, 1.50x faster than classic.fp32.onnx on cpu."
        )


def test_how_much_faster_than_the_keras_original() -> None:
    keras = at(replace(ONNX, path=Path("/run/model.keras"), format="keras", floor_p50_us=None), 200.0)
    said = "Ship classic.fp32.tflite: 48.6 µs, 4.1x faster than Keras (model.keras)."
    assert verdict([TFLITE, keras], NO_VNNI) == said
    near = replace(keras, p50_low_us=48.0)
    assert verdict([TFLITE, near], NO_VNNI) == (
        "Ship classic.fp32.tflite: 48.6 µs; no difference to model.keras is proved."
    )
