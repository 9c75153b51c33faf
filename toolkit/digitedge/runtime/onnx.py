""".onnx files, run by ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from digitedge.data.preprocess import to_input
from digitedge.errors import ContentError, UsageError, first_line, package_missing
from digitedge.files import read_bytes
from digitedge.runtime import plugins
from digitedge.runtime.metadata import KEY, Embedded, from_json
from digitedge.runtime.model import Placement, check_images, one_hot, one_of
from digitedge.runtime.placing import ban_the_cpu, placement, refusal, start
from digitedge.runtime.protobuf import has_external_data
from digitedge.runtime.provider import Provider, absence, find, require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from digitedge.spec import Spec

SUFFIX = ".onnx"
# What the format can hold; `digitedge export` makes nothing else of it.
PRECISIONS = ("fp32", "fp16", "int8-weights", "int8")
INPUTS = ("float32", "uint8")
OUTPUTS = ("probabilities", "logits", "label")
# The second is the first with exact 8-bit products on CPUs whose own instructions saturate
# (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html): never a default.
ENGINES = ("onnxruntime", "x64quantprecision")
Configure: TypeAlias = "Callable[[Any], dict[str, Any]]"
_TYPES = {"float32": "tensor(float)", "uint8": "tensor(uint8)"}


@dataclass(frozen=True)
class OnnxModel:
    """A loaded .onnx file."""

    path: Path
    session: Any
    spec: Spec
    precision: str
    source_digest: str | None
    engine: str
    placement: Placement | None
    # Of a call of the model itself; what `prepare` and `runner` give is called without any.
    run_options: Any = None

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores float32 (n, classes) of images float32 (n, height, width, channels) in [0, 1]."""
        check_images(images, self.spec)
        feed = {self.spec.input_name: to_input(images, self.spec)}
        try:
            (scores,) = self.session.run([self.spec.output_name], feed, self.run_options)
        except Exception as error:  # ONNX Runtime's ten classes have no common base
            raise ContentError(f"{self.path} cannot be run: {first_line(error)}.", "Export it again.") from error
        return self.scores_of(scores)

    def scores_of(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """The scores float32 (n, classes) of what the session gave."""
        return one_hot(outputs, self.spec) if self.spec.output_kind == "label" else np.asarray(outputs, np.float32)

    def prepare(self, images: NDArray[np.float32]) -> Callable[[], NDArray[Any]]:
        """One call of the session, its input already in the file's layout."""
        check_images(images, self.spec)
        run, outputs = self.session.run, [self.spec.output_name]
        feed = {self.spec.input_name: to_input(images, self.spec)}

        def call() -> NDArray[Any]:
            scores: NDArray[Any] = run(outputs, feed)[0]
            return scores

        return call

    def runner(self) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """One call of the session for inputs in the file's layout."""
        run, name, outputs = self.session.run, self.spec.input_name, [self.spec.output_name]

        def call(inputs: NDArray[Any]) -> NDArray[Any]:
            scores: NDArray[Any] = run(outputs, {name: inputs})[0]
            return scores

        return call


def load(
    path: Path,
    *,
    provider: str = "cpu",
    threads: int | None = None,
    engine: str | None = None,
    configure: Configure | None = None,
    options: dict[str, str] | None = None,
) -> OnnxModel:
    """Loads an .onnx file. It is hashed, scanned and loaded from the same bytes, so nothing can change between.

    Args:
        path: of the file.
        provider: an execution provider.
        threads: for one call; None for one.
        engine: one of `ENGINES`; None for the first.
        configure: of `open_session`.
        options: of the provider, besides those that it always gets.

    Raises:
        ContentError: not an ONNX model, one with external data, or one that digitedge has not described.
        RefusedError: the provider does not run all of it.
        NotPresentError: ONNX Runtime or the provider is not installed.
        UnknownNameError: no engine of `ENGINES`.
        UsageError: exact 8-bit products on another provider than the CPU.
    """
    name = one_of(ENGINES, engine)
    require_engine()
    exact = name == "x64quantprecision"
    if exact and provider != "cpu":
        raise UsageError(f"{path.name} cannot run with {name} on {provider}.", "It is a setting of the CPU provider.")
    chosen = require(provider)
    chosen = replace(chosen, options=chosen.options | (options or {}))
    data = read_bytes(path)
    session = open_session(path, data, chosen, threads=threads or 1, exact=exact, configure=configure)
    embedded = _embedded(path, session)
    placed = placement(session, chosen)
    return OnnxModel(
        path, session, embedded.spec, embedded.precision, embedded.source_digest, _engine(name, chosen), placed
    )


def engines() -> tuple[str, ...]:
    """The engines that are installed here: ONNX Runtime, or none."""
    return ENGINES[:1] if absence(find("cpu")) is None else ()


def open_session(
    path: Path,
    data: bytes,
    provider: Provider,
    *,
    threads: int = 1,
    optimize: bool = True,
    exact: bool = False,
    configure: Configure | None = None,
) -> Any:
    """An InferenceSession over the bytes of a model, on exactly one provider: a fallback to another is an error.

    Args:
        path: for messages only.
        data: the model.
        provider: where every node must run.
        threads: for one call. The pool of a default session spins, and slows everything else in the process.
        optimize: False runs the graph as it stands: QDQ nodes are then not fused into integer kernels, which gives what
            a CPU without saturating 8-bit instructions gives.
        exact: True takes 8-bit kernels that cannot saturate, on any x86 CPU.
        configure: has the last word on the SessionOptions, and returns more arguments of InferenceSession.

    Raises:
        ContentError: ONNX Runtime does not load it.
        RefusedError: it does on the CPU, and not on the provider.
    """
    import onnxruntime

    if has_external_data(path, data):
        message = f"{path} keeps weights in another file, which cannot be hashed with it."
        raise ContentError(message, "Save the model as one file.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    ban_the_cpu(options, provider)
    more = configure(options) if configure else {}
    try:
        return start(data, options, provider, **more)
    except Exception as error:  # ONNX Runtime's ten classes have no common base
        refused = refusal(path, data, provider, error)
        if refused is not None:
            raise refused from error
        message = f"{path} cannot be loaded by ONNX Runtime: {first_line(error)}."
        raise ContentError(message, "Is it an ONNX model?") from error


def require_engine() -> None:
    """Raises NotPresentError if ONNX Runtime is not installed."""
    try:
        import onnxruntime  # noqa: F401 (its absence has a plainer cure than a missing provider's)
    except ImportError as error:
        raise package_missing("onnxruntime", "cpu", "running an .onnx file") from error


def _engine(name: str, provider: Provider) -> str:
    import onnxruntime

    words = [f"ONNX Runtime {onnxruntime.__version__}"]
    words += [name] if name != ENGINES[0] else []
    words += [plugins.describe(provider.plugin)] if provider.plugin is not None else []
    return ", ".join(words)


def _embedded(path: Path, session: Any) -> Embedded:
    properties = session.get_modelmeta().custom_metadata_map
    if KEY not in properties:
        message = f"{path} does not say what its input means: it was not exported by digitedge."
        raise ContentError(message, "Export the Keras original with: digitedge export MODEL.keras")
    embedded = from_json(path, properties[KEY])
    _check_tensors(path, session, embedded.spec)
    return embedded


def _check_tensors(path: Path, session: Any, spec: Spec) -> None:
    height, width, channels = spec.input_shape
    image = (channels, height, width) if spec.layout == "NCHW" else (height, width, channels)
    gives = ("tensor(int64)",) if spec.output_kind == "label" else ("tensor(float)", len(spec.classes))
    described = [(spec.input_name, _TYPES.get(spec.input_dtype), *image), (spec.output_name, *gives)]
    found = [(value.name, value.type, *value.shape[1:]) for value in (*session.get_inputs(), *session.get_outputs())]
    if found != described:
        message = f"{path} has other inputs or outputs than its description says."
        raise ContentError(message, "Export it again.")
