import html
import json
import re

import pytest

from digitedge.errors import ContentError
from digitedge.measure.limits import table
from digitedge.measure.shift import CLEAN
from digitedge.report.page import write
from digitedge.report.verify_page import worst_classes


@pytest.fixture
def verified(run_folder):
    """A folder with verify.json alone, whose page has no charts and takes no time."""
    for path in run_folder.iterdir():
        if path.name != "verify.json":
            path.unlink()
    return run_folder


def verify_section(folder):
    """Its words, each tag a space."""
    words = html.unescape(re.sub(r"<[^>]*>", " ", write(folder).read_text()))
    text = " ".join(words.split())
    return text[text.index("Does each file decide") : text.index("Environment and digests")]


def rows_with(verified, rewrite, **changes):
    """Changes the first row of verify.json."""
    first, *others = json.loads((verified / "verify.json").read_text())["results"]
    rewrite(verified / "verify.json", results=[first | changes, *others])


def test_each_class_of_a_file_with_flips_is_listed(verified):
    section = verify_section(verified)
    listed = section[section.index("Class by class") : section.index("Every check")]
    assert "classic.fp32.tflite class images another label accuracy of the original McNemar p" in listed
    assert "<b>zero</b> 4 0 75.00 % 50.00 % 0.31 $one$ 4 1 75.00 % 50.00 % 0.31 二 4 2" in listed


def test_every_check_is_listed_with_its_figure_and_its_limit(verified):
    section = verify_section(verified)
    assert "labels 3 0 failed 3 of 12 images get another label; none may" in section
    assert "scores 2.4e-07 1.0e-04 passed a score differs by 2.4e-07; 1e-04 is allowed" in section


def test_the_limits_stand_with_their_reasons(verified):
    section = verify_section(verified)
    for row in table():
        assert " ".join(row.why.split()) in section


def test_every_failed_check_is_told(verified, rewrite, make_check):
    checks = [
        make_check("labels", 2, 0, "labels are wrong", passed=False),
        make_check("scores", 1, 0, "so are scores", passed=False),
    ]
    rows_with(verified, rewrite, passed=False, reason="labels are wrong", checks=checks)
    assert "classic.fp32.onnx: labels are wrong. so are scores." in verify_section(verified)


def test_across_cpus(verified, rewrite):
    assert "Across CPUs" not in verify_section(verified)
    there = {"cpu": "CPUs without VNNI", "by": "x64quantprecision", "n": 10_000, "flips": 14, "differs": 13}
    rows_with(verified, rewrite, cpus=[there])
    assert "classic.fp32.onnx CPUs without VNNI 9,986 of 10,000 13 x64quantprecision" in verify_section(verified)


def test_notes_and_limits_that_were_set_are_told(verified, rewrite):
    rows_with(verified, rewrite, note="TensorFlow Lite Micro 0.1 ran 500 of 10,000 images")
    rewrite(verified / "verify.json", limits={"labels": 5.0})
    section = verify_section(verified)
    assert "classic.fp32.onnx: TensorFlow Lite Micro 0.1 ran 500 of 10,000 images." in section
    assert "Limits that were set: labels 5." in section


def test_files_with_the_same_flips_share_their_pictures(verified, rewrite, make_flip):
    results = json.loads((verified / "verify.json").read_text())["results"]
    rows = [row | {"flips": 1, "flip_details": [make_flip(5, 0, 2, 2)]} for row in results]
    rewrite(verified / "verify.json", results=rows)
    assert "classic.fp32.onnx, classic.fp32.tflite: 1 image with another label" in verify_section(verified)


def layer(name, own_sqnr_db, departs=None):
    figures = {"own_sqnr_db": own_sqnr_db, "least_sqnr_db": 120.0, "own_max_abs": 0.1, "shift": 0.0, "sqnr_db": 33.25}
    told = {"layer": name, "kind": "Conv2D", "departs": departs, "not_finite": 0, "step": None}
    figures["clipped_db"] = None
    return told | figures | {"max_abs": 0.0625, "labels": 7, "moves": 0.125}


def test_layers_are_listed_and_the_first_that_departs_is_named(verified, rewrite):
    assert "Layer by layer" not in verify_section(verified)
    rows = [
        layer("conv <1>", 130.0),
        layer("flat", None),
        layer("conv2", 31.5, departs="own SQNR 32 dB, at least 120 expected"),
    ]
    entry = {"path": "/runs/a.onnx", "format": "onnx", "precision": "fp32", "images": 200, "layers": rows}
    found = {"first_departing": "conv2", "contributes_most": "conv2", "note": None}
    none = {"first_departing": None, "contributes_most": None, "note": "a C source has no layers", "layers": []}
    rewrite(verified / "verify.json", layers=[entry | found, entry | none | {"path": "/runs/a.c"}])
    assert 'aria-label="Signal to noise of every layer of 1 file' in write(verified).read_text()
    section = verify_section(verified)
    assert "a.onnx departs first at conv2 (own SQNR 32 dB, at least 120 expected), which contributes most." in section
    assert "a.c: a C source has no layers." in section
    assert "conv <1> Conv2D 130.0 dB 120.0 dB 33.2 dB 0.062 7 12.50 % flat Conv2D exact 120.0 dB" in section


def shifted(path, accuracy):
    """`shift` of the `verify` document: one corruption, which begins to hurt at severity 4."""
    rows = [
        {
            "corruption": "blur" if severity else CLEAN,
            "severity": severity,
            "n": 12,
            "flips": 0 if severity < 4 else 3,
            "accuracy": 0.9 if severity < 4 else accuracy,
            "accuracy_reference": 0.9,
            "hurts": severity >= 4,
            "both_fail": False,
        }
        for severity in range(6)
    ]
    told = {"path": str(path), "precision": "int8", "labelled": True, "n": 12, "lost": None}
    return told | {"rows": rows, "onset": {"blur": 4}, "sentence": "quantization <begins> to hurt at blur 4."}


def test_what_corrupted_images_show_is_a_chart_and_a_sentence(verified, rewrite):
    assert "Beyond the test set" not in verify_section(verified)
    rewrite(verified / "verify.json", shift=[shifted("x.onnx", 0.5)])
    page = write(verified).read_text()
    assert 'aria-label="Accuracy of the original and of each file' in page
    assert '<p class="bad">quantization &lt;begins&gt; to hurt at blur 4.</p>' in page


def control(mutation, path, *, caught=True, applicable=True, failed=("labels",)):
    told = {"mutation": mutation, "says": f"the {mutation} is wrong", "path": path, "format": "onnx"}
    outcome = {"expects": "labels", "failed": list(failed), "reason": None, "applicable": applicable, "caught": caught}
    return told | outcome | {"precision": "fp32"}


def test_wrong_files_that_were_caught_are_listed_and_those_that_were_not_named(verified, rewrite):
    assert "Would a wrong file be caught?" not in verify_section(verified)
    rows = [
        control("bias", "/runs/a.onnx"),
        control("bias", "/runs/b.onnx", caught=False, failed=()),
        control("scale", "/runs/a.onnx", caught=False, applicable=False),
        control("zero", "/runs/b.onnx", caught=False, failed=("scores", "batch")),
    ]
    rewrite(verified / "verify.json", self_test={"results": rows, "applicable": 3, "caught": 1, "passed": False})
    section = verify_section(verified)
    assert "2 of 3 wrong files were not caught." in section
    assert "bias the bias is wrong labels 1 of 2 scale the scale is wrong labels – zero" in section  # noqa: RUF001
    assert "b.onnx, bias: labels does not catch it; it passes every check." in section
    assert "b.onnx, zero: labels does not catch it; it fails scores, batch instead." in section


def test_without_labels_only_agreement_is_shown(verified, rewrite):
    rewrite(verified / "verify.json", labelled=False)
    section = verify_section(verified)
    assert "There are no labels: how often they agree is known, which of them is right is not." in section
    assert "McNemar" not in section[: section.index("The limits")]
    assert "calibration" not in section


def test_flips_that_no_picture_is_recorded_of_are_still_told(verified):
    section = verify_section(verified)
    assert "3 images with another label than model.keras gives golden.npz holds none of them." in section


def test_a_file_that_never_returned_has_a_row(verified, rewrite):
    figures = ("n", "flips", "accuracy", "accuracy_reference", "max_abs", "mean_abs", "sqnr_db", "mcnemar_p")
    lost = dict.fromkeys(
        (*figures, "confidence_drift", "calibration_error", "calibration_error_reference", "batch_abs")
    )
    rows_with(verified, rewrite, **lost, checks=[], passed=False, reason="it did not return within 120 seconds")
    section = verify_section(verified)
    assert "classic.fp32.onnx: it did not return within 120 seconds." in section


@pytest.mark.parametrize("key", ["labelled", "limits", "shift", "layers", "self_test"])
def test_a_verify_document_of_an_older_version_is_to_be_made_again(verified, key):
    path = verified / "verify.json"
    document = json.loads(path.read_text())
    del document[key]
    path.write_text(json.dumps(document))
    with pytest.raises(ContentError, match=rf"cannot be understood: .*{key}.* Make it again"):
        write(verified)
    assert not (verified / "report.html").exists()


@pytest.mark.parametrize(
    "key", ["checks", "flip_details", "per_class", "cpus", "agreement_low", "sqnr_db", "engine", "note"]
)
def test_and_so_is_one_whose_rows_lack_a_figure(verified, key):
    path = verified / "verify.json"
    document = json.loads(path.read_text())
    for row in document["results"]:
        del row[key]
    path.write_text(json.dumps(document))
    with pytest.raises(ContentError, match=r"cannot be understood: .* Make it again"):
        write(verified)


def test_a_page_lists_few_classes_whole_and_of_many_those_that_changed():
    few = [{"flips": 0, "name": str(number)} for number in range(10)]
    assert worst_classes(few) == few
    many = [{"flips": number % 7, "name": str(number)} for number in range(100)]
    shown = worst_classes(many)
    assert len(shown) == 20
    assert [one["flips"] for one in shown[:15]] == [6] * 14 + [5]
    assert worst_classes([{"flips": 0, "name": "x"}] * 100) == []
