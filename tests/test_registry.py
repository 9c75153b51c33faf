import sys

import pytest

from digitedge.errors import UnknownNameError
from digitedge.registry import choose, entries, installed, names


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "some_formats"
    folder.mkdir()
    for name, text in {"__init__": "", "onnx": "SUFFIX = '.onnx'", "helper": "", "_private": ""}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield "some_formats"
    for name in [name for name in sys.modules if name.startswith("some_formats")]:
        del sys.modules[name]


def test_a_file_is_known_by_its_name_and_not_imported(package):
    assert set(names(package)) == {"onnx", "helper", "_private"}
    assert "some_formats.onnx" not in sys.modules


def test_an_entry_is_a_file_that_defines_the_marker(package):
    assert list(entries(package, "SUFFIX")) == ["onnx"]
    assert entries(package, "SUFFIX")["onnx"].SUFFIX == ".onnx"


def test_a_new_file_is_an_entry_the_moment_it_exists(package, tmp_path):
    (tmp_path / package / "c99.py").write_text("SUFFIX = '.c'")
    assert list(entries(package, "SUFFIX")) == ["c99", "onnx"]


def test_an_unknown_name_lists_the_choices(package):
    with pytest.raises(UnknownNameError, match=r"unknown format: onx\. Did you mean onnx\? Choose from: onnx\."):
        choose("format", "onx", entries(package, "SUFFIX"))


def test_whether_a_package_is_installed_is_asked_without_importing_it():
    assert installed("wave")
    assert "wave" not in sys.modules
    assert not installed("no_such_package")
