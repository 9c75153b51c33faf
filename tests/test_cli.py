"""What all commands have in common: the two streams, the exit codes, and the way from an error to one line."""

import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from digitedge import __version__
from digitedge.commands.session import EXTRAS
from digitedge.config import BenchConfig, ExportConfig, TrainConfig

COMMANDS = ("run", "train", "export", "verify", "bench", "predict", "show", "doctor")
ENVELOPE = {"schema_version", "command", "digitedge", "machine"}
PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
CONFLICTS = "digitedge.runtime.installation.conflicts"  # called by doctor, which needs nothing and takes a moment


def raising(error):
    def raise_it(*_, **__):
        raise error

    return raise_it


def fresh(*words, **settings):
    return subprocess.run(
        [sys.executable, "-m", "digitedge", *words], capture_output=True, text=True, timeout=60, check=False, **settings
    )


def test_the_version_is_one_line(digitedge):
    assert digitedge("--version").out == f"digitedge {__version__}\n"


def test_no_command_is_the_help(digitedge):
    ended = digitedge()
    assert ended.code == 0
    assert [command for command in COMMANDS if command not in ended.out] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_option_is_one_line_that_names_the_cure(digitedge, command):
    ended = digitedge(command, "--xyzzy")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"error: No such option: --xyzzy. See: digitedge {command} --help\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_option_is_one_document_with_json(digitedge, command):
    ended = digitedge(command, "--xyzzy", "--json")
    assert (ended.code, ended.err) == (2, "")
    assert ended.document.keys() == ENVELOPE | {"error"}
    assert ended.document["command"] == command
    assert ended.document["error"] == {
        "kind": "usage",
        "message": "No such option: --xyzzy.",
        "hint": f"See: digitedge {command} --help",
    }


def test_an_unknown_command_names_the_nearest(digitedge):
    ended = digitedge("trian")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "No such command 'trian'. Did you mean 'train'? See: digitedge --help"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train", "--epochs", "many"), "Invalid value for '--epochs': Input should be a valid integer"),
        (
            ("train", "--augment", "blur"),
            "Invalid value for '--augment': 'blur' is not one of 'none', 'digits', 'photo'.",
        ),
        (("export", "--output", "odds"), "Invalid value for '--output': 'odds' is not one of"),
        (("show", "--limit", "0"), "Invalid value for '--limit'"),
        (("predict",), "Missing argument 'images'."),
        (("train", "--epochs", "0"), "--epochs is 0. It must be at least 1."),
        (("train", "--batch-size", "0"), "--batch-size is 0. It must be at least 1."),
        (("train", "--learning-rate", "nan"), "--learning-rate is nan. It must be between 0 and 1."),
        (("train", "--seed", "-1"), "--seed is -1. It must be from 0 to 2147483647."),
        (("export", "--opset", "16"), "--opset is 16. It must be 17 or 18."),
        (("bench", "--threads", "0"), "--threads is 0. It must be at least 1."),
        (("bench", "--batch", "0"), "--batch is 0. It must be at least 1."),
        (("bench", "--seconds", "nan"), "--seconds is nan. It must be above 0, at most 3600."),
    ],
)
def test_a_value_out_of_range_names_the_option_and_the_range(digitedge, words, sentence):
    ended = digitedge(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.startswith(sentence)
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_fits_a_screen_and_says_what_it_does(digitedge, command):
    ended = digitedge(command, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 100
    assert "--json" in ended.out


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("train", {"--epochs": TrainConfig().epochs, "--model": TrainConfig().model, "--data": TrainConfig().data}),
        ("run", {"--epochs": TrainConfig().epochs, "--batch-size": TrainConfig().batch_size}),
        ("export", {"--opset": ExportConfig().opset, "--output": ExportConfig().output}),
        ("bench", {"--seconds": BenchConfig().seconds, "--threads": BenchConfig().threads}),
        ("show", {"--data": TrainConfig().data}),
    ],
)
def test_the_help_shows_the_defaults(digitedge, command, options):
    text = " ".join(digitedge(command, "--help").out.replace("│", " ").split())
    for option, default in options.items():
        assert re.search(rf"{option} .*?\[default: {re.escape(str(default))}\]", text), option


def test_a_bug_is_one_line_and_70(digitedge, monkeypatch):
    monkeypatch.setattr(CONFLICTS, raising(ZeroDivisionError("a\nb")))
    ended = digitedge("doctor")
    assert (ended.code, ended.out) == (70, "")
    assert ended.error.startswith("ZeroDivisionError: a b This is a fault of digitedge's. --debug shows where")
    assert len(ended.err.splitlines()) == 1


def test_a_bug_is_one_document_with_json(digitedge, monkeypatch):
    monkeypatch.setattr(CONFLICTS, raising(ZeroDivisionError("a")))
    ended = digitedge("doctor", "--json")
    assert (ended.code, ended.err) == (70, "")
    assert ended.document["error"]["kind"] == "bug"
    assert ended.document["error"].keys() == {"kind", "message", "hint"}


def test_debug_shows_where(digitedge, monkeypatch):
    monkeypatch.setattr(CONFLICTS, raising(ZeroDivisionError("a")))
    ended = digitedge("doctor", "--debug")
    assert ended.code == 70
    assert "Traceback" in ended.err
    assert "in doctor" in ended.err
    assert ended.err.splitlines()[-1].startswith("error: ZeroDivisionError")


def test_an_interruption_is_130(digitedge, monkeypatch):
    monkeypatch.setattr(CONFLICTS, raising(KeyboardInterrupt()))
    ended = digitedge("doctor")
    assert (ended.code, ended.out) == (130, "")
    assert ended.error == "interrupted. Every file that was finished is whole; start it again for the rest."


def test_too_little_memory_is_told(digitedge, monkeypatch):
    monkeypatch.setattr(CONFLICTS, raising(MemoryError()))
    ended = digitedge("doctor")
    assert ended.code == 4
    assert ended.error.startswith("there is not enough memory for this.")


@pytest.mark.parametrize("package", EXTRAS)
def test_a_missing_package_is_told_with_the_pip_command(digitedge, monkeypatch, package):
    monkeypatch.setattr(CONFLICTS, raising(ModuleNotFoundError("none", name=f"{package}.inner")))
    ended = digitedge("doctor")
    assert (ended.code, ended.out) == (4, "")
    assert f'Type: pip install "digitedge[{EXTRAS[package]}]"' in ended.error


@pytest.mark.parametrize(("package", "extra"), EXTRAS.items())
def test_the_extra_that_is_named_brings_the_package(package, extra):
    brought = [re.split(r"[<>=\[]", requirement)[0] for requirement in PROJECT["optional-dependencies"][extra]]
    assert package.replace("_", "-") in brought


def test_another_missing_module_is_a_bug(digitedge, monkeypatch):
    monkeypatch.setattr(CONFLICTS, raising(ModuleNotFoundError("No module named 'digitedge.x'", name="digitedge.x")))
    assert digitedge("doctor").code == 70


def test_piped_output_has_no_colours_and_no_control_characters(digitedge):
    ended = digitedge("doctor")
    assert ended.code == 0
    assert not [letter for letter in ended.out + ended.err if not letter.isprintable() and letter != "\n"]


def test_nobody_left_to_read_is_no_traceback():
    process = subprocess.Popen(
        [sys.executable, "-m", "digitedge", "doctor", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 1


def test_help_in_a_fresh_process_loads_nothing_heavy():
    started = time.perf_counter()
    assert fresh("--help").returncode == 0
    seconds = time.perf_counter() - started
    assert seconds < 3.0, "0.6 on a quiet machine"
    traced = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "digitedge", "--help"], capture_output=True, text=True, check=True
    ).stderr
    loaded = {line.rpartition("|")[2].strip() for line in traced.splitlines()}
    assert "digitedge.cli" in loaded
    assert not loaded & {
        "tensorflow",
        "tf_keras",
        "onnx",
        "onnxruntime",
        "ai_edge_litert",
        "matplotlib",
        "PIL",
        "jinja2",
    }


@pytest.mark.parametrize("printing", ["print('chatter')", "os.write(1, b'chatter')", "os.system('echo chatter')"])
def test_under_json_whatever_else_is_printed_goes_to_standard_error(tmp_path, printing):
    # The user's own code, or a library's native code, prints while a command is at work.
    program = f"""
import os
from digitedge import cli
from digitedge.runtime import installation
found = installation.conflicts
def conflicts():
    {printing}
    return found()
installation.conflicts = conflicts
cli.main(["doctor", "--json"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("{\n")
    assert done.stdout.endswith("\n}\n")
    assert "chatter" not in done.stdout
    assert "chatter" in done.stderr
