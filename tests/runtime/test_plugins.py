"""Providers that are packages of their own: made-up packages on the path, and ONNX Runtime's own device behind one."""

import sys

import onnxruntime
import pytest

from digitedge.errors import NotPresentError
from digitedge.runtime import plugins
from digitedge.runtime.installation import judge
from digitedge.runtime.loading import load
from digitedge.runtime.plugins import installed, is_plugin
from digitedge.runtime.provider import find, offered, providers, require

FAKE = "FakeExecutionProvider"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """package("onnxruntime-ep-fake", source) installs a distribution of version 1.2, with a library that is none."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(plugins, "_registered", set())
    made = []

    def install(name, source=None, *, ep_name=FAKE, version="1.2"):
        module = name.replace("-", "_")
        made.append(module)
        (tmp_path / module).mkdir()
        library = tmp_path / module / "library.so"
        library.write_text("not a library")
        told = f"def get_library_path(): return {str(library)!r}\ndef get_ep_name(): return {ep_name!r}\n"
        (tmp_path / module / "__init__.py").write_text(told if source is None else source)
        (tmp_path / f"{module}-{version}.dist-info").mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name.replace('-', '_')}\nVersion: {version}\n"
        (tmp_path / f"{module}-{version}.dist-info" / "METADATA").write_text(metadata)
        plugins._installed.cache_clear()
        return library

    yield install
    plugins._installed.cache_clear()
    for module in made:
        sys.modules.pop(module, None)


@pytest.fixture
def loadable(monkeypatch):
    """Whatever is registered loads; what it offers is up to `onnxruntime.get_ep_devices`. Gives what was registered."""
    loaded = []
    monkeypatch.setattr(
        onnxruntime, "register_execution_provider_library", lambda name, path: loaded.append((name, path))
    )
    return loaded


def test_without_one_nothing_is_added():
    assert set(installed()).isdisjoint({"fake"})
    assert all(entry.plugin is None for entry in providers().values())


@pytest.mark.parametrize(
    ("name", "version", "answer"),
    [
        ("onnxruntime-ep-openvino", "1.8.1", True),
        ("onnxruntime-ep-nv-tensorrt-rtx", "0.1", True),
        ("onnxruntime-qnn", "2.7.0", True),
        ("onnxruntime-qnn", "1.24.1", False),
        ("onnxruntime", "1.31.1", False),
        ("onnxruntime-gpu", "1.31.1", False),
        ("onnxruntime-extensions", "0.14", False),
        ("not-onnxruntime-ep-x", "1", False),
    ],
)
def test_the_convention(name, version, answer):
    assert is_plugin(name, version) is answer


def test_one_is_found_by_the_name_of_its_package(package):
    library = package("onnxruntime-ep-fake")
    found = installed()["fake"]
    assert (found.package, found.version, found.ep_name) == ("onnxruntime-ep-fake", "1.2", FAKE)
    assert (found.library, found.problem) == (str(library), None)
    assert find("fake").plugin == found
    assert "fake" in providers()


def test_a_library_that_cannot_be_loaded_is_named_with_what_the_system_says(package):
    library = package("onnxruntime-ep-fake")
    with pytest.raises(NotPresentError) as caught:
        require("fake")
    assert caught.value.message.startswith(
        "the provider fake cannot be used: the library of onnxruntime-ep-fake 1.2 cannot be loaded: "
    )
    assert str(library) in caught.value.message
    assert "pip show onnxruntime-ep-fake" in caught.value.hint
    assert "fake" not in offered()


def test_one_without_a_device_says_so(package, loadable):
    library = package("onnxruntime-ep-fake")
    with pytest.raises(NotPresentError, match=r"onnxruntime-ep-fake 1\.2 finds no device on this machine"):
        require("fake")
    with pytest.raises(NotPresentError):
        require("fake")
    assert loadable == [(FAKE, str(library))], "once in a process"


@pytest.mark.parametrize(
    "source", ["raise OSError('no libc')", "def get_ep_name(): return 'X'", "1 / 0", "import nobody"]
)
def test_a_package_that_does_not_say_what_it_brings_is_named(package, source):
    package("onnxruntime-ep-fake", source)
    assert "fake" not in offered()
    with pytest.raises(NotPresentError, match=r"the package onnxruntime-ep-fake 1\.2 does not say what it brings: \w+"):
        require("fake")


def test_a_device_runs_a_file_and_the_engine_says_which(package, loadable, tiny_run):
    package("onnxruntime-ep-fake", ep_name="CPUExecutionProvider")  # the one device that is on every machine
    model = load(tiny_run / "tiny.fp32.onnx", provider="fake")
    assert model.engine == f"ONNX Runtime {onnxruntime.__version__}, onnxruntime-ep-fake 1.2 on its CPU device"
    assert model.placement.on_provider > 0
    assert model.placement.elsewhere == 0
    assert "fake" in offered()


def test_it_stands_in_for_a_provider_that_this_build_does_not_bring(package):
    package("onnxruntime-qnn", ep_name="QNNExecutionProvider", version="2.7.0")
    assert find("qnn").plugin is not None
    with pytest.raises(NotPresentError, match=r"the library of onnxruntime-qnn 2\.7\.0 cannot be loaded"):
        require("qnn")


def test_what_the_build_brings_itself_stays(package, monkeypatch):
    package("onnxruntime-ep-openvino", ep_name="OpenVINOExecutionProvider")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["OpenVINOExecutionProvider"])
    assert find("openvino").plugin is None


def test_one_that_onnx_runtime_lists_once_it_is_registered_is_still_a_plugin(package, loadable, monkeypatch):
    package("onnxruntime-qnn", ep_name="QNNExecutionProvider", version="2.7.0")
    with pytest.raises(NotPresentError):
        require("qnn")
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider", "QNNExecutionProvider"]
    )
    assert find("qnn").plugin is not None, "by its name alone it would run on the CPU"


def test_no_plugin_replaces_the_cpu(package):
    package("onnxruntime-ep-cpu")
    assert find("cpu").plugin is None
    assert providers()["cpu"].plugin is None


def test_a_plugin_beside_onnx_runtime_is_no_conflict():
    assert judge({"onnxruntime": "1.31.1", "onnxruntime-qnn": "2.7.0", "onnxruntime-ep-openvino": "1.8.1"}) == ()
    assert len(judge({"onnxruntime": "1.31.1", "onnxruntime-qnn": "1.24.1"})) == 1


def test_doctor_says_why_one_cannot_be_used(package, digitedge):
    package("onnxruntime-ep-fake")
    found = {entry["name"]: entry for entry in digitedge("doctor", "--json").document["providers"]}
    assert found["fake"]["usable"] is False
    assert found["fake"]["reason"].startswith("the library of onnxruntime-ep-fake 1.2 cannot be loaded: ")


def test_bench_ends_with_4_before_anything_is_measured(package, digitedge, own_run):
    package("onnxruntime-ep-fake")
    ended = digitedge("bench", "--provider", "fake")
    assert (ended.code, ended.out) == (4, "")
    assert ended.error.startswith("the provider fake cannot be used: the library of onnxruntime-ep-fake 1.2 ")
