import json

import pytest

from digitedge import errors
from digitedge.errors import DigitedgeError, OutputExistsError, UnknownNameError, first_line, package_missing

EXIT_CODES = {
    "DigitedgeError": 70,
    "UsageError": 2,
    "UnknownNameError": 2,
    "OutputExistsError": 2,
    "ContentError": 3,
    "NotPresentError": 4,
    "StoppedError": 130,
}


def test_every_class_of_the_tree_has_its_exit_code():
    classes = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert {name: kind.exit_code for name, kind in classes.items() if issubclass(kind, DigitedgeError)} == EXIT_CODES


def test_the_tree_in_the_docstring_is_the_tree():
    for name, code in EXIT_CODES.items():
        assert name in errors.__doc__
        assert code == 70 or f"exit {code}" in errors.__doc__


def test_an_error_is_one_line_whatever_it_was_made_of():
    error = errors.ContentError("x.onnx is\n  damaged.", "Export\nit again.")
    assert str(error) == "x.onnx is damaged. Export it again."


@pytest.mark.parametrize(
    ("kind", "word"),
    [("UnknownNameError", "unknown_name"), ("NotPresentError", "not_present"), ("ContentError", "content")],
)
def test_the_kind_is_a_word_for_json(kind, word):
    error = errors.ContentError.__new__(getattr(errors, kind))
    assert error.kind == word


def test_an_unknown_name_is_answered_with_the_choices_and_the_nearest():
    error = UnknownNameError("model", "clasic", ["edge", "classic"])
    assert str(error) == "unknown model: clasic. Did you mean classic? Choose from: classic, edge."
    assert (error.name, error.choices) == ("clasic", ("classic", "edge"))


def test_nothing_is_guessed_where_nothing_is_near():
    assert str(UnknownNameError("model", "zzz", ["edge"])) == "unknown model: zzz. Choose from: edge."


@pytest.mark.parametrize(
    ("error", "arrives_as"),
    [
        (errors.ContentError("x.onnx is damaged.", "Make it again."), errors.ContentError),
        (errors.NotPresentError("gcc is not installed.", "Install it."), errors.NotPresentError),
        (UnknownNameError("provider", "cdua", ["cuda", "cpu"]), errors.UsageError),
        (OutputExistsError("x"), errors.UsageError),
        (DigitedgeError("what?", ""), DigitedgeError),
    ],
)
def test_an_error_travels_with_its_words_and_its_exit_code(error, arrives_as):
    back = errors.from_fields(json.loads(json.dumps(errors.to_fields(error))))
    assert type(back) is arrives_as
    assert (str(back), back.message, back.hint) == (str(error), error.message, error.hint)
    assert back.exit_code == error.exit_code


def test_an_existing_output_is_named_with_its_cure(tmp_path):
    error = OutputExistsError(tmp_path / "x")
    assert str(error) == f"{tmp_path / 'x'} exists already. Add --overwrite to replace it, or choose another output."


def test_a_missing_package_is_answered_with_the_pip_command():
    error = package_missing("onnxruntime", "cpu", "running an .onnx file")
    assert (
        str(error) == 'onnxruntime is not installed; running an .onnx file needs it. Type: pip install "digitedge[cpu]"'
    )
    assert error.exit_code == 4


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ValueError("bad.\nat 0x1"), "bad"),
        (ValueError(""), "ValueError"),
        (KeyError("x"), "'x'"),
        (OSError(" \n"), "OSError"),
    ],
)
def test_the_first_line_of_a_foreign_exception_fits_into_a_sentence(raised, said):
    assert first_line(raised) == said


def test_a_foreign_exception_that_quotes_a_whole_file_is_cut_short():
    said = first_line(ValueError("cannot read " + "0x0 " * 1000))
    assert said.startswith("cannot read 0x0")
    assert said.endswith(" ...")
    assert len(said) <= 200
