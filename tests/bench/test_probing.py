"""Whether a provider can be started, asked of it in a process of its own."""

import pytest

from digitedge.bench import probing
from digitedge.bench.job import refused
from digitedge.bench.probing import prove
from digitedge.bench.process import Lost
from digitedge.errors import NotPresentError, UnknownNameError
from digitedge.runtime.model import Placement
from digitedge.runtime.provider import find


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
    assert prove("cpu") is None


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


def test_one_that_leaves_the_model_to_the_cpu_has_been_started(answers):
    answers(refused(Placement(on_provider=0, elsewhere=1), "1 of 1 nodes would run elsewhere"))
    assert prove("cuda") is None


def test_one_that_is_not_offered_starts_no_process(monkeypatch):
    monkeypatch.setattr(probing, "run_job", lambda *_, **__: pytest.fail("a process was started"))
    for name, error in (("directml", NotPresentError), ("cdua", UnknownNameError)):
        with pytest.raises(error):
            prove(name)
