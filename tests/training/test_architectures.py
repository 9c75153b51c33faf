import sys

import pytest

from digitedge.errors import ContentError, UnknownNameError
from digitedge.training.architectures import build, check_architecture

GOOD = """
import tf_keras as keras
def build(input_shape, classes):
    return keras.Sequential([
        keras.layers.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, activation="softmax")])
"""
BAD = {
    "raises": (
        "def build(input_shape, classes):\n    raise ValueError('too small')",
        r"cannot build a network for .*too small",
    ),
    "exits": ("def build(input_shape, classes):\n    raise SystemExit(3)", r"cannot build a network for .*SystemExit"),
    "no build": ("x = 1", r"has no function build\. Define build\(input_shape, classes\)"),
    "no Python": ("def build(:", r"cannot be imported: SyntaxError"),
    "needs what is not there": ("import no_such_package", r"cannot be imported: ModuleNotFoundError"),
    "gives nothing": ("def build(input_shape, classes):\n    pass", r"the network of .* takes \(\) and gives \(\)"),
    "one class too many": (
        GOOD.replace("Dense(classes", "Dense(classes + 1"),
        r"gives \(None, 4\)\. It must take .* \(n, 3\)",
    ),
    "no flat output": (GOOD.replace("keras.layers.Flatten(), ", ""), r"gives \(None, 4, 4, 3\)"),
    "logits": (
        GOOD.replace('"softmax"', '"linear", bias_initializer="ones"'),
        r"not probabilities.* Let it end in a softmax",
    ),
    "other images": (
        GOOD.replace("Input(input_shape)", "Input((8, 8, 1))"),
        r"takes \(8, 8, 1\) images\. It must take \(4, 4, 1\)",
    ),
}


def test_a_name_is_an_architecture():
    assert build("classic", (28, 28, 1), 10).output_shape == (None, 10)


@pytest.mark.parametrize("call", [check_architecture, lambda name: build(name, (28, 28, 1), 10)])
def test_an_unknown_name_lists_the_choices(call):
    with pytest.raises(
        UnknownNameError, match=r"unknown model: clasic\. Did you mean classic\? Choose from: .*classic"
    ):
        call("clasic")


def test_a_python_file_is_an_architecture(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    check_architecture(str(path))
    assert build(str(path), (4, 4, 1), 3).output_shape == (None, 3)


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_does_not_do_is_named(tmp_path, case):
    text, message = BAD[case]
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ContentError, match=message) as caught:
        build(str(path), (4, 4, 1), 3)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_file_that_is_not_there_is_named(tmp_path, make):
    make(tmp_path / "x.py")
    with pytest.raises(ContentError, match=r"x\.py does not exist\. Check the path of the model file\."):
        check_architecture(str(tmp_path / "x.py"))


def test_a_users_file_hides_no_module_of_that_name(tmp_path):
    (tmp_path / "json.py").write_text(GOOD)
    build(str(tmp_path / "json.py"), (4, 4, 1), 3)
    assert sys.modules["json"].__file__ != str(tmp_path / "json.py")
