import pytest

from digitedge.measure.shift import CLEAN
from digitedge.report.steps.shift import sentence, step


def row(corruption, severity, accuracy=0.9, reference=0.9, *, flips=0, hurts=False, both_fail=False):
    return {
        "corruption": corruption, "severity": severity, "n": 1_000, "flips": flips, "agreement": 1 - flips / 1_000,
        "accuracy": accuracy, "accuracy_reference": reference, "hurts": hurts, "both_fail": both_fail,
        "mcnemar_p": 1.0, "confidence_drift": 0.0,
    }  # fmt: skip


def entry(rows, *, precision="int8", labelled=True, lost=None):
    onset = {one["corruption"]: None for one in rows}
    for one in reversed(rows):
        if one["hurts"]:
            onset[one["corruption"]] = one["severity"]
    made = {
        "path": f"/runs/tiny.{precision}.onnx", "provider": "cpu", "engine": "ONNX Runtime", "precision": precision,
        "labelled": labelled, "n": 1_000, "rows": rows, "onset": onset, "lost": lost,
    }  # fmt: skip
    return {**made, "sentence": sentence(made)}


def noisy(**fourth):
    return [
        row(CLEAN, 0, 0.995, 0.995),
        row("impulse_noise", 1, 0.991, 0.99, flips=1),
        row("impulse_noise", 2, 0.9, 0.903, flips=7),
        row("impulse_noise", 3, 0.75, 0.75004, flips=9),
        row("impulse_noise", 4, **{"accuracy": 0.612, "reference": 0.639, "flips": 40, **fourth}),
        row("impulse_noise", 5, 0.1, 0.1, both_fail=True),
    ]


def blank(corruption):
    return [row(corruption, severity) for severity in range(1, 6)]


def test_a_table_of_points_with_the_onset_marked(printed):
    text = printed(step({"shift": [entry([*noisy(hurts=True), *blank("rotate")])]}))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert all(len(line) <= 100 for line in text.splitlines())
    assert lines[:6] == [
        "shift tiny.int8.onnx: accuracy less the original's, in points · 1,000 images a severity",
        "corruption original severity 1 2 3 4 5",
        "impulse_noise 99.0 to 10.0 % +0.1 -0.3 0 -2.7 ! –",  # noqa: RUF001 (what was not measured)
        "rotate 90.0 to 90.0 % 0 0 0 0 0",
        "– the original itself only guesses there: that proves nothing.",  # noqa: RUF001 (as above)
        "tiny.int8.onnx: quantization begins to hurt at impulse_noise 4 (accuracy 61.2 % against",
    ]
    assert lines[6] == "63.9 %), before the test set would tell."


def test_quiet_says_the_sentences(printed):
    assert (
        printed(step({"shift": [entry(blank("rotate"))]}), quiet=True).split()
        == entry(blank("rotate"))["sentence"].split()
    )


def test_the_mildest_onset_comes_first():
    rows = [
        row(CLEAN, 0),
        *noisy(hurts=True)[1:],
        row("rotate", 2, 0.5, 0.6, hurts=True),
        row("scale", 2, 0.5, 0.7, hurts=True),
    ]
    said = sentence(entry(rows))
    assert "begins to hurt at scale 2 (accuracy 50.0 % against 70.0 %)" in said
    assert said.endswith("before the test set would tell; also at rotate 2, impulse_noise 4.")


def test_what_hurts_the_clean_images_is_no_news():
    rows = [row(CLEAN, 0, 0.9, 0.99, hurts=True), *noisy(hurts=True)[1:]]
    said = "tiny.int8.onnx: quantization hurts the clean images already (accuracy 90.0 % against 99.0 %)."
    assert sentence(entry(rows)) == said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(CLEAN, 0), *blank("rotate")], "no label of 1,000 images changes, however they are corrupted"),
        ([row(CLEAN, 0), row("rotate", 1, flips=3)], "at most 3 of 1,000 labels change, at rotate 1"),
        (noisy(), "the most it loses is 2.7 points, at impulse_noise 4: no more than chance, or its precision, allows"),
        (
            [row(CLEAN, 0, 0.1, 0.1, both_fail=True)],
            "but the original only guesses, even on the clean images: that proves nothing",
        ),
    ],
)  # fmt: skip
def test_nowhere_says_how_much_at_most(rows, said):
    assert sentence(entry(rows)) == f"tiny.int8.onnx: quantization begins to hurt nowhere; {said}."


def test_a_float_file_that_holds_has_a_sentence_and_no_table(printed):
    text = printed(step({"shift": [entry(noisy(accuracy=0.638), precision="fp16")]}))
    assert " ".join(text.split()).startswith("shift tiny.fp16.onnx: conversion begins to hurt nowhere;")
    assert "severity 1" not in text
    assert "severity 1" in printed(step({"shift": [entry(noisy(hurts=True), precision="fp16")]}))


def test_without_labels_the_changed_ones_are_counted(printed):
    rows = [{**one, "accuracy": None, "accuracy_reference": None, "hurts": None, "both_fail": None} for one in noisy()]
    text = " ".join(printed(step({"shift": [entry(rows, labelled=False)]})).split())
    assert "labels that differ from the original's" in text
    assert "impulse_noise 1 7 9 40 0" in text
    said = "at most 40 of 1,000 labels change, at impulse_noise 4; without labels nobody can say whether that hurts."
    assert text.endswith(said)


def test_a_file_that_was_lost_says_why(printed):
    lost = entry([], lost="the process ended with signal 11")
    assert lost["sentence"] == "tiny.int8.onnx: the process ended with signal 11."
    assert "signal 11" in printed(step({"shift": [lost]}))
