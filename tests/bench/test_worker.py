"""One job, in this process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from digitedge.artifact import GOLDEN, write_golden
from digitedge.bench import worker
from digitedge.bench.job import Job, read_outcome
from digitedge.bench.target import floor_of
from digitedge.bench.worker import peak_rss_bytes, perform
from digitedge.errors import ContentError
from digitedge.measure.energy import Counter, Meter
from digitedge.runtime.loading import load
from digitedge.runtime.model import Placement, RefusedError
from digitedge.runtime.session_settings import SessionSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitedge.artifact import Golden
    from digitedge.spec import Spec


@dataclass(frozen=True)
class Half:
    """A model of which the provider takes half, or one that fails when it is called."""

    spec: Spec
    placement: Placement | None

    def scores_of(self, outputs: np.ndarray) -> np.ndarray:
        return outputs

    def prepare(self, _: np.ndarray) -> Callable[[], None]:
        def call() -> None:
            raise RuntimeError("Non-zero status code returned while running Conv node")

        return call


def test_a_job_gives_times_nodes_and_memory(job: Job) -> None:
    outcome = perform(job)
    assert outcome.samples_us is not None
    assert len(outcome.samples_us) >= 100
    assert outcome.load_ms is not None
    assert outcome.first_ms is not None
    assert 0 < outcome.load_ms < 1000
    assert 0 < outcome.first_ms < 1000
    assert outcome.nodes_elsewhere == 0
    assert outcome.nodes_on_provider is not None
    assert outcome.nodes_on_provider >= 1
    assert outcome.rss_bytes is not None
    assert 10e6 < outcome.rss_bytes < 10e9
    assert (outcome.agreement, outcome.accuracy) == (None, None)


def test_the_calls_use_every_image_in_batches(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    loaded = load(Path(job.path))

    class Watched:
        spec, placement, engine = loaded.spec, None, "none"

        def __call__(self, images: np.ndarray) -> np.ndarray:
            return np.ones((len(images), 3), np.float32)

        def scores_of(self, outputs: np.ndarray) -> np.ndarray:
            return outputs

        def prepare(self, images: np.ndarray) -> Callable[[], np.ndarray]:
            seen.append(images.shape)
            assert images.dtype == np.float32
            assert images.max() <= 1.0
            return lambda: np.ones((len(images), 3), np.float32)

    monkeypatch.setattr(worker, "load", lambda *_, **__: Watched())
    perform(replace(job, batch=16))
    assert seen == [(16, 4, 4, 1)] * 4


def test_a_job_says_how_it_was_timed_and_that_it_was_inference(job: Job) -> None:
    outcome = perform(job)
    assert (outcome.timed_by, outcome.departure) == ("Python call", 0.0)
    assert outcome.same_image_ratio is not None
    assert 0.3 < outcome.same_image_ratio < 3  # a single process of 20 ms, on whatever machine runs this


def test_the_whole_way_from_pixels_to_labels_is_timed(job: Job) -> None:
    alone, whole = perform(job), perform(replace(job, end_to_end=True))
    assert alone.samples_us is not None
    assert whole.samples_us is not None
    assert np.percentile(whole.samples_us, 5) > np.percentile(alone.samples_us, 5)
    assert whole.departure == 0.0


def test_without_images_the_floor_is_timed_on_one_of_its_own(job: Job) -> None:
    floor = floor_of("onnx")
    assert floor is not None
    outcome = perform(replace(job, path=str(floor.path), images=None))
    assert outcome.samples_us is not None
    assert np.median(outcome.samples_us) < 1000
    assert (outcome.departure, outcome.same_image_ratio) == (None, None)


def test_golden_images_are_scored(
    job: Job, tmp_path: Path, tiny_onnx: Callable[..., Path], golden_of: Callable[[Path], Golden]
) -> None:
    reference = tiny_onnx()
    path = write_golden(tmp_path / GOLDEN, golden_of(reference))
    same = perform(replace(job, golden=str(path)))
    assert (same.agreement, same.accuracy) == (1.0, 1.0)
    other = perform(replace(job, path=str(tiny_onnx("other.onnx", seed=5)), golden=str(path)))
    assert other.agreement is not None
    assert other.agreement < 0.9
    assert other.accuracy == other.agreement


def test_a_model_too_slow_to_score_every_image_has_no_agreement(
    job: Job, tmp_path: Path, golden_of: Callable[[Path], Golden], tiny_onnx: Callable[..., Path]
) -> None:
    path = write_golden(tmp_path / GOLDEN, golden_of(tiny_onnx()))
    outcome = perform(replace(job, golden=str(path), most_seconds=0.0))
    assert (outcome.agreement, outcome.accuracy) == (None, None)
    assert outcome.samples_us is not None


def test_a_reference_of_other_classes_names_the_file(
    job: Job, tmp_path: Path, golden_of: Callable[[Path], Golden], tiny_onnx: Callable[..., Path]
) -> None:
    golden = golden_of(tiny_onnx())
    scores = np.ones((len(golden.images), 5), np.float32)
    other = replace(golden, scores=scores, classes=("a", "b", "c", "d", "e"))
    path = write_golden(tmp_path / GOLDEN, other)
    with pytest.raises(ContentError, match=r"tiny\.fp32\.onnx: the reference gives \(100, 5\) scores"):
        perform(replace(job, golden=str(path)))


def test_nothing_is_timed_where_nodes_run_elsewhere(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load(Path(job.path)).spec
    monkeypatch.setattr(worker, "load", lambda *_, **__: Half(spec, Placement(on_provider=3, elsewhere=2)))
    outcome = perform(job)
    assert (outcome.nodes_on_provider, outcome.nodes_elsewhere) == (3, 2)
    assert (outcome.samples_us, outcome.load_ms, outcome.first_ms, outcome.rss_bytes) == (None, None, None, None)


@pytest.mark.parametrize(
    ("placement", "nodes"), [(Placement(on_provider=3, elsewhere=2), (3, 2)), (None, (None, None))]
)
def test_a_provider_that_refuses_the_file_is_an_answer_without_times(
    job: Job, monkeypatch: pytest.MonkeyPatch, placement: Placement | None, nodes: tuple[int | None, int | None]
) -> None:
    real = worker.load

    def refuse(path: Path, **more: Any) -> Any:
        if path != Path(job.path):
            return real(path, **more)
        raise RefusedError(path, "SomeExecutionProvider", "no kernel", placement)

    monkeypatch.setattr(worker, "load", refuse)
    outcome = perform(job)
    assert (outcome.nodes_on_provider, outcome.nodes_elsewhere) == nodes
    assert outcome.refused == "no kernel"
    assert (outcome.samples_us, outcome.load_ms, outcome.first_ms, outcome.rss_bytes) == (None, None, None, None)


def test_the_answer_says_what_ran_the_file(job: Job) -> None:
    assert str(perform(job).engine).startswith("ONNX Runtime 1.")


def test_a_model_that_loads_and_does_not_run_is_named(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load(Path(job.path)).spec
    monkeypatch.setattr(worker, "load", lambda *_, **__: Half(spec, None))
    with pytest.raises(ContentError, match="is loaded, but does not run: RuntimeError: Non-zero status"):
        perform(job)


def test_images_of_another_size_are_refused(job: Job, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((4, 5, 5, 1), np.uint8))
    with pytest.raises(ContentError, match="the model takes"):
        perform(job)


def test_the_memory_of_a_child_is_its_own_and_not_its_parents() -> None:
    ballast = np.ones(30_000_000)  # 240 MB, which ru_maxrss would carry over to a child
    code = "from digitedge.bench.worker import peak_rss_bytes; print(peak_rss_bytes())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = peak_rss_bytes()
    assert ours is not None
    assert ours > ballast.nbytes > int(child.stdout)


def test_memory_that_is_not_told_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_STATUS", tmp_path / "missing")
    assert peak_rss_bytes() is None


def test_chatter_of_native_code_does_not_reach_the_streams(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real = worker.perform

    def chatty(job: Job) -> Any:
        os.write(1, b"EP Error ... Falling back\n")
        os.write(2, b"warning\n")
        return real(job)

    monkeypatch.setattr(worker, "perform", chatty)
    monkeypatch.setattr(sys, "stdin", io.StringIO(job.to_json()))
    worker.main()
    assert capfd.readouterr() == ("", "")
    assert read_outcome(tmp_path / "answer") is not None


def test_the_worker_loads_no_training_package() -> None:
    code = "import sys, digitedge.bench.worker; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "tf_keras", "keras", "onnx", "tf2onnx", "onnxruntime"} & set(child.stdout.split())


def test_the_options_of_a_job_reach_its_session(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, bool]] = []
    real = SessionSettings.apply

    def apply(settings: SessionSettings, options: Any) -> dict[str, Any]:
        more = real(settings, options)
        seen.append((options.intra_op_num_threads, options.enable_cpu_mem_arena))
        return more

    monkeypatch.setattr(SessionSettings, "apply", apply)
    perform(job)
    assert seen == []
    assert perform(replace(job, options={"threads": 2, "arena": False})).samples_us is not None
    assert seen == [(2, False)]


def test_energy_is_that_of_one_call_and_none_without_counters(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rising(Counter):
        def read_uj(self) -> int:
            return next(steps)

    steps = iter([1_000, 51_000])
    monkeypatch.setattr(worker, "Meter", lambda: Meter((Rising(tmp_path, 10**6),)))
    outcome = perform(job)
    assert outcome.samples_us is not None
    assert outcome.energy_uj == pytest.approx(50_000 / len(outcome.samples_us))
    monkeypatch.setattr(worker, "Meter", lambda: Meter(()))
    assert perform(job).energy_uj is None
