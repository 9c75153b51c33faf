"""Who may import whom: the contracts of pyproject.toml, and the device side without the workstation's packages."""

import importlib.util
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import digitedge

ROOT = Path(__file__).parents[1]
IMPORT_LINTER = Path(sys.executable).with_name("lint-imports")
WORKSTATION = ("tensorflow", "tf_keras", "keras", "onnx", "tf2onnx")
ROOMS = ("bench", "verify", "runtime", "measure", "data")
FILES = (
    "dataset",
    "spec",
    "artifact",
    "config",
    "files",
    "registry",
    "streams",
    "processes",
    "errors",
    "report.terminal",
    "cli",
)

BLOCKED = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {WORKSTATION!r}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, Blocked())
"""


def run_blocked(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + program, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_every_import_goes_down():
    done = subprocess.run([IMPORT_LINTER], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Contracts: 2 kept, 0 broken." in done.stdout


def test_import_linter_sees_a_forbidden_import(tmp_path):
    """The negative control: the same contract over a package that breaks it."""
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "__init__.py").write_text("")
    (tmp_path / "house" / "device.py").write_text("def run():\n    import tensorflow\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = house\ninclude_external_packages = True\n"
        "[importlinter:contract:1]\nname = x\ntype = forbidden\n"
        "source_modules = house.device\nforbidden_modules = tensorflow\n"
    )
    done = subprocess.run([IMPORT_LINTER], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "house.device -> tensorflow" in done.stdout


def device_side():
    """The names of every module that must import without TensorFlow."""
    folder = Path(digitedge.__file__).parent
    rooms = (entry.name for room in ROOMS for entry in pkgutil.walk_packages([folder / room], f"digitedge.{room}."))
    return [*(f"digitedge.{name}" for name in (*ROOMS, *FILES)), *rooms]


def test_the_device_side_is_all_there():
    names = device_side()
    assert {"digitedge.runtime.keras", "digitedge.runtime.providers.cuda", "digitedge.bench.worker"} <= set(names)
    assert all(importlib.util.find_spec(name) for name in names)


def test_the_device_side_imports_without_the_workstations_packages():
    done = run_blocked(
        f"import importlib\nfor name in {device_side()!r}: importlib.import_module(name)\n"
        f"assert not set({WORKSTATION!r}) & {{name.split('.')[0] for name in sys.modules}}\nprint('all')"
    )
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr


@pytest.mark.parametrize("package", WORKSTATION)
def test_the_block_blocks(package):
    done = run_blocked(f"import {package}")
    assert done.returncode == 1
    assert f"ModuleNotFoundError: {package} is blocked" in done.stderr


SCORE = """
from pathlib import Path
from digitedge.artifact import read_golden
from digitedge.measure.limits import LIMITS, Evidence, judge, reason
from digitedge.measure.parity import compare
from digitedge.runtime.loading import load, score

folder = Path(sys.argv[1])
golden = read_golden(folder / "golden.npz")
for name in sys.argv[2:]:
    model = load(folder / name)
    parity = compare(golden.scores, score(model, golden.images), golden.labels)
    print(name, parity.n, reason(judge(Evidence(parity), LIMITS[model.precision])))
"""


def test_exported_files_are_proved_on_a_device_without_tensorflow(tiny_run):
    names = ["tiny.fp32.onnx", "tiny.int8.onnx", "tiny.fp32.tflite", "tiny.int8.tflite"]
    done = run_blocked(SCORE, tiny_run, *names)
    assert done.stdout == "".join(f"{name} 200 None\n" for name in names), done.stderr


def test_a_keras_file_on_a_device_is_answered_with_what_to_install(tiny_run):
    done = run_blocked(
        "from pathlib import Path\n"
        "from digitedge.errors import NotPresentError\n"
        "from digitedge.runtime.loading import load\n"
        "try: load(Path(sys.argv[1]))\nexcept NotPresentError as error: print(error)",
        tiny_run / "model.keras",
    )
    assert done.stdout == (
        'tensorflow is not installed; reading a .keras file needs it. Type: pip install "digitedge[train]"\n'
    ), done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"], ["export", "--help"]])
def test_help_needs_neither_tensorflow_nor_an_engine(arguments):
    done = run_blocked(
        f"sys.argv = ['digitedge', *{arguments!r}]\nfrom digitedge.cli import main\n"
        "try: main()\nexcept SystemExit as end: code = end.code\n"
        "engines = {'onnxruntime', 'ai_edge_litert', 'matplotlib', 'numpy'}\n"
        "assert not engines & sys.modules.keys(), engines & sys.modules.keys()\n"
        "raise SystemExit(code)"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_predict_needs_onnx_runtime_alone(tiny_run, tiny_golden, tmp_path):
    import PIL.Image

    PIL.Image.fromarray(tiny_golden.images[3, :, :, 0]).save(tmp_path / "three.png")
    arguments = ["predict", str(tmp_path / "three.png"), "--model", str(tiny_run / "tiny.fp32.onnx"), "--json"]
    done = run_blocked(
        f"sys.argv = ['digitedge', *{arguments!r}]\nfrom digitedge.cli import main\nmain()",
    )
    assert done.returncode == 0, done.stderr
    assert f'"label": "{tiny_golden.labels[3]}"' in done.stdout
