import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitedge.data.preprocess import to_unit
from digitedge.errors import ContentError, NotPresentError
from digitedge.files import sha256
from digitedge.runtime import c99
from digitedge.runtime.loading import load
from digitedge.runtime.metadata import Embedded, to_json
from digitedge.spec import image_spec


@pytest.fixture
def file(every_file, tmp_path):
    """Path of a .c file with its header beside it, to be changed."""
    shutil.copy(every_file / "tiny.fp32.h", tmp_path / "x.h")
    return shutil.copy(every_file / "tiny.fp32.c", tmp_path / "x.c")


def replaced(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def described(path, text):
    data = path.read_bytes()
    old = c99._DESCRIPTION.search(data)[1]
    path.write_bytes(data.replace(old, text))


def test_a_person_finds_the_description_in_the_first_lines(file):
    line = next(line for line in file.read_text().splitlines()[:20] if line.startswith(" * digitedge: "))
    about = json.loads(line.removeprefix(" * digitedge: "))
    assert (about["precision"], about["spec"]["layout"], about["spec"]["input_shape"]) == ("fp32", "NHWC", [28, 28, 1])


def test_nothing_is_left_of_the_compilation(file, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(c99.tempfile, "tempdir", str(tmp_path / "temporary"))
    assert load(file)(np.zeros((1, 28, 28, 1), np.float32)).sum() == pytest.approx(1)
    assert not list((tmp_path / "temporary").iterdir())


def test_threads_may_share_a_model(file, tiny_golden):
    model, images = load(file), to_unit(tiny_golden.images)
    expected = model(images)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(model, np.split(images, 8)))
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_what_is_timed_classifies_each_image(file, tiny_golden, monkeypatch):
    model, images = load(file), to_unit(tiny_golden.images[:3])
    kept = []
    plain = c99.C99Model._arrays
    monkeypatch.setattr(c99.C99Model, "_arrays", lambda self, images: kept.append(plain(self, images)) or kept[-1])
    call = model.prepare(images)
    call()
    np.testing.assert_array_equal(kept[0][1], model(images))


def test_one_changed_weight_changes_the_scores(file):
    before = load(file)(np.ones((1, 28, 28, 1), np.float32))
    text = file.read_text()
    start = text.index("conv1_weights[")
    place = text.index("\n", start) + 5
    end = text.index(",", place)
    file.write_text(text[:place] + f"{float(text[place:end].rstrip('f')) + 1}f" + text[end:])
    assert np.abs(load(file)(np.ones((1, 28, 28, 1), np.float32)) - before).max() > 1e-3


def test_without_its_header_the_missing_file_is_named(file):
    file.with_suffix(".h").unlink()
    with pytest.raises(ContentError, match=r"x\.h does not exist"):
        load(file)


@pytest.mark.parametrize(
    ("old", "new"), [(b"#define TINY_CLASSES 10", b"#define TINY_CLASSES 11"), (b"int tiny_predict(", b"int x(")]
)
def test_another_header_is_refused_with_the_cure(file, old, new):
    replaced(file.with_suffix(".h"), old, new)
    with pytest.raises(ContentError, match=r"x\.h is not the header that x\.c was exported with\. Copy both files"):
        load(file)


@pytest.mark.parametrize("text", [b"int x;\n", b"/*\n * digitedge: {}\n */\n", b"\0\xff"])
def test_a_file_that_digitedge_did_not_write_is_refused_with_the_cure(file, text):
    file.write_bytes(text)
    with pytest.raises(ContentError, match=r"x\.c does not say what its input means: .* digitedge export MODEL\.keras"):
        load(file)


@pytest.mark.parametrize("text", [b"{}", b'{"spec": 3}', b"{"])
def test_a_damaged_description_is_named(file, text):
    described(file, text + b"}" if text == b"{" else text)
    with pytest.raises(ContentError, match=r"x\.c has a damaged description"):
        load(file)


@pytest.mark.parametrize(
    "spec", [image_spec((28, 28, 1), ("a", "b"), "NHWC"), image_spec((32, 32, 1), tuple("0123456789"), "NHWC")]
)
def test_a_file_that_contradicts_its_description_is_refused(file, spec):
    described(file, to_json(Embedded(spec, "d", "fp32", "0")).encode())
    with pytest.raises(ContentError, match=r"x\.c has other inputs or outputs than its description says"):
        load(file)


def test_what_does_not_compile_is_said_in_the_compilers_words(file):
    replaced(file, b"static void conv1(", b"static viod conv1(")
    with pytest.raises(
        ContentError, match=r"x\.c does not compile: model\.c:[0-9:]+ error: unknown type name 'viod'\. Is it"
    ):
        load(file)


def test_without_a_compiler_the_cure_is_said(file, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    with pytest.raises(
        NotPresentError, match=r"no-such-compiler is not installed; .* Install gcc or clang, or .* CC=clang"
    ):
        load(file)


def test_the_compiler_may_be_named_with_options(file, monkeypatch):
    monkeypatch.setenv("CC", "gcc -DDIGITEDGE_PLAIN_C")
    assert load(file)(np.zeros((2, 28, 28, 1), np.float32)).shape == (2, 10)


def test_a_folder_in_which_nothing_may_run_is_said(file, monkeypatch):
    def refuse(path):
        raise OSError(f"{path}: failed to map segment from shared object")

    monkeypatch.setattr(c99.ctypes, "CDLL", refuse)
    with pytest.raises(NotPresentError, match=r"cannot be loaded: .*failed to map.* Set TMPDIR to a folder in which"):
        load(file)


@settings(max_examples=25)
@given(
    name=st.text(min_size=1, max_size=12),
    digest=st.text(max_size=12),
    classes=st.lists(st.text(), min_size=2, max_size=3),
)
def test_nothing_that_a_description_says_reaches_the_compilers_command(name, digest, classes, tmp_path_factory):
    """Names may hold anything: the command is the same, and so are the names of its files."""
    spec = image_spec((2, 2, 1), tuple(classes), "NHWC")
    description = to_json(Embedded(spec, digest, "fp32", name)).replace("/", "\\/")
    header = b"int net_predict(\n"
    opening = f"/*\n * digitedge: {description}\n * header: {sha256(header)}\n */\n"
    folder = tmp_path_factory.mktemp("names")
    (folder / "x.h").write_bytes(header)
    (folder / "x.c").write_text(opening + '#include "net.h"\n#error stop\n', encoding="utf-8")
    with pytest.raises(ContentError, match=r"x\.c does not compile: .*error"):
        load(folder / "x.c")


@pytest.mark.parametrize("name", ["../x.h", "/etc/x.h", "a\\b.h", "x.c"])
def test_an_include_that_leads_elsewhere_is_no_file_of_ours(file, name):
    replaced(file, b'#include "tiny.fp32.h"', f'#include "{name}"'.encode())
    with pytest.raises(ContentError, match=r"x\.c does not say what its input means"):
        load(file)
