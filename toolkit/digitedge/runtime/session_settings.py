"""What a program may ask of an ONNX Runtime session besides the file, and the lines that ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["all", "extended"]
Layout = Literal["blocked", "plain"]

# The rewrites that store images in blocks of channels, for float32 and for integers
# (onnxruntime/core/optimizer/nchwc_transformer.cc and nhwc_transformer.cc).
LAYOUT_REWRITES = ("NchwcTransformer", "NhwcTransformer")
_SPINNING = "session.intra_op.allow_spinning"
_LEVELS = {"all": "ORT_ENABLE_ALL", "extended": "ORT_ENABLE_EXTENDED"}


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Options of one session. The defaults are ONNX Runtime's own, but for the threads: one, as everywhere here.

    Attributes:
        threads: for one operator.
        spinning: whether idle threads wait in a loop, which wakes them sooner and takes the cores from everybody else;
            means nothing with one thread.
        arena: whether memory is taken from the system in large pieces and kept.
        pattern: whether the places of all tensors are planned in the first call and asked for at once.
        level: of the graph's optimisation: `extended` leaves the rewrites of the layout out, and what follows them.
        layout: `plain` keeps images as the file has them; `blocked` lets the CPU's kernels choose.
    """

    threads: int = 1
    spinning: bool = True
    arena: bool = True
    pattern: bool = True
    level: Level = "all"
    layout: Layout = "blocked"

    def apply(self, options: Any) -> dict[str, Any]:
        """Sets them.

        Args:
            options: an onnxruntime.SessionOptions.

        Returns:
            What else `onnxruntime.InferenceSession` must be given, by the names of its arguments.
        """
        import onnxruntime

        options.intra_op_num_threads = self.threads
        options.enable_cpu_mem_arena = self.arena
        options.enable_mem_pattern = self.pattern
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, _LEVELS[self.level])
        if not self.spinning:
            options.add_session_config_entry(_SPINNING, "0")
        return {} if self.layout == "blocked" else {"disabled_optimizers": list(LAYOUT_REWRITES)}

    def code(self, file_name: str) -> str:
        """Python that opens a file with these settings; what is ONNX Runtime's default is left out."""
        lines = [
            "options = onnxruntime.SessionOptions()",
            f"options.intra_op_num_threads = {self.threads}",
            "" if self.spinning else f'options.add_session_config_entry("{_SPINNING}", "0")',
            "" if self.arena else "options.enable_cpu_mem_arena = False",
            "" if self.pattern else "options.enable_mem_pattern = False",
            ""
            if self.level == "all"
            else f"options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.{_LEVELS[self.level]}",
            "session = onnxruntime.InferenceSession(",
            *(f"    {argument}," for argument in self._arguments(file_name)),
            ")",
        ]
        return "\n".join(line for line in lines if line)

    def words(self) -> str:
        """For people: the threads, and whatever is not ONNX Runtime's default."""
        said = {
            "1 thread" if self.threads == 1 else f"{self.threads} threads": True,
            "no spinning": not self.spinning,
            "no arena": not self.arena,
            "no memory pattern": not self.pattern,
            f"graph level {self.level}": self.level != "all",
            "plain layout": self.layout == "plain",
        }
        return ", ".join(words for words, holds in said.items() if holds)

    def _arguments(self, file_name: str) -> list[str]:
        rewrites = ", ".join(f'"{name}"' for name in LAYOUT_REWRITES)
        more = [] if self.layout == "blocked" else [f"disabled_optimizers=[{rewrites}]"]
        return [repr(file_name), "options", 'providers=["CPUExecutionProvider"]', *more]
