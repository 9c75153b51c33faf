"""Whether a provider can be started, asked of it in a process of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitedge.bench import probing
from digitedge.bench.job import refused
from digitedge.bench.probing import prove, startable
from digitedge.bench.process import Lost
from digitedge.errors import NotPresentError, UnknownNameError
from digitedge.runtime.model import Placement
from digitedge.runtime.provider import find

LEFT = refused(Placement(on_provider=0, elsewhere=1), "1 of 1 nodes would run elsewhere")
TAKEN = replace(refused(Placement(on_provider=1, elsewhere=0), None), samples_us=np.ones(1))


@pytest.fixture
def answers(monkeypatch):
    """answers(what a process answers): ONNX Runtime offers CUDA then."""
    prove.cache_clear()
    monkeypatch.setattr(probing, "require", find)

    def give(answer):
        monkeypatch.setattr(probing, "run_job", lambda *_, **__: answer)

    yield give
    prove.cache_clear()


def test_the_cpu_can_be_started():
    prove.cache_clear()
    floor = prove("cpu")
    assert (floor.path.name, floor.provider, floor.is_floor) == ("identity.onnx", "cpu", True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            refused(None, "libcudart.so.13: cannot open shared object file"),
            "libcudart.so.13: cannot open shared object",
        ),
        (Lost("its process was ended by SIGSEGV"), "its process was ended by SIGSEGV"),
        (Lost("it did not return within 120 s"), "it did not return within 120 s"),
    ],
)
def test_one_that_cannot_is_said_with_what_it_needs(answers, answer, reason):
    answers(answer)
    with pytest.raises(NotPresentError) as caught:
        prove("cuda")
    assert caught.value.message.startswith(f"the provider cuda cannot be used: {reason}")
    assert caught.value.hint == "It needs an NVIDIA GPU, CUDA 13 and cuDNN 9. Leave it out on this machine."


def test_one_that_leaves_the_model_to_the_cpu_is_given_the_next(answers, monkeypatch):
    tried = []

    def run_job(job, **_):
        tried.append((Path(job.path).name, job.provider))
        return LEFT if job.path.endswith("identity.onnx") else TAKEN

    monkeypatch.setattr(probing, "run_job", run_job)
    floor = prove("cuda")
    assert (floor.path.name, floor.provider) == ("relu.onnx", "cuda")
    assert prove("cuda") is floor, "it is asked once"
    assert tried == [("identity.onnx", "cuda"), ("relu.onnx", "cuda")]


def test_one_that_takes_the_first_is_asked_no_more(answers, monkeypatch):
    tried = []
    monkeypatch.setattr(probing, "run_job", lambda job, **_: tried.append(job.path) or TAKEN)
    assert prove("cuda").path.name == "identity.onnx"
    assert len(tried) == 1


def test_one_that_leaves_every_model_to_the_cpu_has_been_started_and_has_no_floor(answers):
    answers(LEFT)
    assert prove("cuda") is None


def test_one_that_crashes_with_the_second_cannot_be_used(answers, monkeypatch):
    lost = Lost("its process was ended by SIGSEGV")
    monkeypatch.setattr(probing, "run_job", lambda job, **_: LEFT if job.path.endswith("identity.onnx") else lost)
    with pytest.raises(NotPresentError, match="the provider cuda cannot be used: its process was ended by SIGSEGV"):
        prove("cuda")


def test_one_that_is_not_offered_starts_no_process(monkeypatch):
    monkeypatch.setattr(probing, "run_job", lambda *_, **__: pytest.fail("a process was started"))
    for name, error in (("directml", NotPresentError), ("cdua", UnknownNameError)):
        with pytest.raises(error):
            prove(name)


def test_those_that_can_be_started_and_why_others_cannot(answers, monkeypatch):
    monkeypatch.setattr(probing, "offered", lambda: ("cpu", "cuda", "openvino"))
    lost = Lost("its process was ended by SIGSEGV")
    monkeypatch.setattr(probing, "run_job", lambda job, **_: lost if job.provider == "cuda" else TAKEN)
    names, reasons = startable()
    assert names == ("cpu", "openvino")
    assert reasons == ("the provider cuda cannot be used: its process was ended by SIGSEGV.",)
