"""The wheel in a fresh environment, as on a device: `digitedge[cpu]`, without TensorFlow, is enough for .onnx files."""

import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    """The `bin` of an environment with `digitedge[cpu]` built from this checkout."""
    folder = tmp_path_factory.mktemp("device")
    checkout = folder / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".venv*", ".git", "runs", ".*_cache", "__pycache__"))
    venv.create(folder / "venv", with_pip=True)
    program = folder / "venv" / "bin"
    install = ["-m", "pip", "install", "--quiet", "--constraint", "constraints.txt", ".[cpu]"]
    subprocess.run([program / "python", *install], cwd=checkout, check=True, timeout=300)
    return program


def digitedge(device, *words, folder):
    return subprocess.run(
        [device / "digitedge", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.install
def test_the_wheel_holds_what_it_needs(device):
    site = next(device.parent.glob("lib/python*/site-packages"))
    for name in ("data/embedded/NOTICE", "data/embedded/train-images-idx3-ubyte.xz", "py.typed"):
        assert (site / "digitedge" / name).exists(), name
    metadata = next(site.glob("digitedge-*.dist-info")) / "METADATA"
    assert "License-Expression: Apache-2.0 AND CC-BY-SA-3.0" in metadata.read_text()
    assert list(metadata.parent.rglob("NOTICE"))


@pytest.mark.install
def test_a_device_verifies_benches_and_predicts_without_tensorflow(device, tiny_run, tmp_path):
    onnx = str(tiny_run / "tiny.int8.onnx")
    verified = digitedge(device, "verify", onnx, "--json", folder=tmp_path)
    assert verified.returncode == 0, verified.stderr
    assert Path(json.loads(verified.stdout)["reference"]).name == "golden.npz"
    benched = digitedge(device, "bench", onnx, "--seconds", "0.1", "--json", folder=tmp_path)
    assert benched.returncode == 0, benched.stderr
    assert json.loads(benched.stdout)["results"][0]["n"] >= 1024
    shown = digitedge(device, "show", "--out", "digits.png", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    predicted = digitedge(device, "predict", "digits.png", "--model", onnx, "--json", folder=tmp_path)
    assert predicted.returncode == 0, predicted.stderr


@pytest.mark.install
def test_what_a_device_saves_is_compared_elsewhere(device, process, ended, tiny_run, tmp_path):
    onnx, saved = tiny_run / "tiny.int8.onnx", tmp_path / "device.npz"
    there = digitedge(device, "verify", str(onnx), "--save-outputs", str(saved), "--json", folder=tmp_path)
    assert there.returncode == 0, there.stderr
    (row,) = json.loads(there.stdout)["results"]
    assert [cpu["differs"] for cpu in row["cpus"]] == [0, 0], "this machine, and x64quantprecision"
    here = ended(process("verify", onnx, "--compare-outputs", saved, "--json", without=["tensorflow"]))
    assert here.code == 0, here.err
    own, carried = here.document["results"]
    assert [cpu["differs"] for cpu in own["cpus"]] == [0, 0, 0, 0], "and what the graph tells"
    assert (carried["outputs"], carried["labels_other_than_here"]) == (str(saved), 0)
    assert carried["max_abs_from_here"] == pytest.approx(0, abs=1e-6)


@pytest.mark.install
def test_a_device_says_what_to_install_for_the_rest(device, tiny_run, tmp_path):
    trained = digitedge(device, "train", folder=tmp_path)
    assert trained.returncode == 4
    assert 'pip install "digitedge[train]"' in trained.stderr
    assert list(tmp_path.iterdir()) == []
    tflite = digitedge(device, "verify", str(tiny_run / "tiny.int8.tflite"), folder=tmp_path)
    assert tflite.returncode == 4
    assert 'pip install "digitedge[tflite]"' in tflite.stderr


@pytest.mark.install
def test_the_size_that_the_readme_gives(device):
    used = subprocess.run(["du", "-sm", device.parent], check=True, capture_output=True, text=True).stdout
    told = int(re.search(r"digitedge\[cpu\]\"`, (\d+) MB", (ROOT / "README.md").read_text())[1])
    pip_and_setuptools = 26
    assert abs(int(used.split()[0]) - pip_and_setuptools - told) <= 25, used


def test_the_constraints_are_the_versions_that_these_tests_run_with():
    freeze = subprocess.run([sys.executable, "-m", "pip", "freeze"], check=True, capture_output=True, text=True).stdout
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    found = dict(line.split("==") for line in freeze.splitlines() if "==" in line)
    common = pinned.keys() & found.keys()
    assert {"tensorflow", "onnx", "numpy", "typer"} <= common
    assert {name: found[name] for name in common} == {name: pinned[name] for name in common}
