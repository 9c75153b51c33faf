"""Every command block of README.md is run, in its order, in one folder, as a reader would type it.

Five things are changed, and nothing else: `make` only says what it would start (test_end_to_end.py runs that); what
installs must be what make installs, and is not installed again; a plain `digitedge train` trains for one epoch;
`digitedge bench` measures for a shorter time; what is for several machines is typed on this one.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitedge.data.loading import load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(sh|python|c)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
SHORTER = {"digitedge train": ["--epochs", "1"], "digitedge bench": ["--seconds", "0.2"]}

# What make runs where there is no environment yet: every line as a set of words, without pip's manners.
MANNERS = {"--quiet", "--disable-pip-version-check", "--editable"}
STARTED = {"run": "bin/digitedge run", "test": "bin/python -m pytest"}


def plainly(words):
    """The same command in the long form of its options, whatever their order."""
    return {"--constraint" if word == "-c" else word for word in words} - MANNERS


def installs():
    """The commands by which make sets up an environment where there is none."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "-C", str(ROOT), "--dry-run", "--always-make", "PYTHON=python3", "run"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, env=outside).stdout
    return [plainly(shlex.split(line)) for line in shown.splitlines() if " -m " in line]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A folder with what the README's reader has: a picture, photographs by class, and Kaggle's two files."""
    folder = tmp_path_factory.mktemp("reader")
    digits = load("mnist").train.take(slice(3_000))
    Image.fromarray(digits.images[0, :, :, 0]).save(folder / "digit.png")
    for number, (pixels, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        target = folder / "photos" / f"digit {label}"
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[:, :, 0]).save(target / f"{number}.png")
    header = ",".join(f"pixel{number}" for number in range(784))
    rows = digits.images.reshape(len(digits), 784)
    labelled = np.column_stack([digits.labels, rows])
    np.savetxt(folder / "train.csv", labelled, "%d", ",", header=f"label,{header}", comments="")
    np.savetxt(folder / "test.csv", rows[:50], "%d", ",", header=header, comments="")
    return folder


def environment(folder):
    """The PATH of an activated environment."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PWD": str(folder)}


def run(command, folder):
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def shell(line, folder):
    words = shlex.split(line, comments=True)
    if not words:
        return
    if words[0] == "digitedge":
        run([*words, *SHORTER.get(" ".join(words), [])], folder)
    elif words[0] == "make":
        # Installing is what `make test` has just done; what the targets then start is looked at here.
        assert STARTED[words[1]] in run(["make", "-C", str(ROOT), "--dry-run", words[1]], folder)
    elif words[0] == "python3" or words[:3] == [".venv/bin/python", "-m", "pip"]:
        # Installing is what `make test` has just done, and so the line must be one that make itself would run.
        assert plainly(words) in installs()
    elif words[0] == "cc":
        run(words, folder)
        digit = load("mnist").train.images[0].astype(np.float32) / 255
        said = subprocess.run(
            [folder / words[words.index("-o") + 1]], input=digit.tobytes(), capture_output=True, check=True
        )
        assert said.stdout.startswith(b"5 ")
    elif words[0] == ".venv/bin/digitedge":
        run(["digitedge", *words[1:]], folder)
    else:
        pytest.fail(f"nobody runs this line of README.md: {line}")


def workers(text, folder):
    """What stands there for one machine, typed on each of two: here both are this one, and learn a few digits."""
    config = json.loads(re.search(r"TF_CONFIG='(.*)'", text)[1])
    config["cluster"]["worker"] = [f"127.0.0.1:{port}" for port in free_ports(len(config["cluster"]["worker"]))]
    command = [*shlex.split(text.splitlines()[1]), "--data", "train.csv", "--epochs", "1"]
    started = []
    for index in range(len(config["cluster"]["worker"])):
        config["task"]["index"] = index
        env = {**environment(folder), "TF_CONFIG": json.dumps(config)}
        started.append(subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True))
    said = [process.communicate(timeout=300)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert (folder / "runs" / "together" / "model.keras").exists()


def free_ports(number):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.mark.e2e
@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=[text.split("\n")[0][:40] for _, text in BLOCKS])
def test_block(reader, number):
    language, text = BLOCKS[number]
    if language == "sh":
        if "my_model.keras" in text:
            shutil.copy(reader / "runs" / "my_cnn" / "model.keras", reader / "my_model.keras")
        if "TF_CONFIG" in text:
            workers(text, reader)
            return
        for line in text.splitlines():
            shell(line, reader)
    elif name := re.match(r"(?:# |/\* )([\w.]+)", text):
        (reader / name[1]).write_text(text)
    else:
        shutil.copy(reader / "runs" / "classic" / "classic.int8.onnx", reader)
        assert run([sys.executable, "-W", "error", "-c", text], reader).startswith("5 ")


def test_every_link_leads_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) > 5
    for target in targets:
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_table_of_commands_is_that_of_the_program():
    from digitedge.cli import app

    told = set(re.findall(r"^\| `(\w+)[^|]*\|", README.split("## Your own")[0], flags=re.MULTILINE))
    assert told == {command.name for command in app.registered_commands}
