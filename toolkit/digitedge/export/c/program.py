"""What a C file consists of, whatever its arithmetic: buffers, constants, and steps that run one after another.

How a kernel plugs in: a function of its own file in this folder takes the operation and the `Buffer`s that it reads and
writes, and returns a `Step`: the body of one C function, its constants and its cost. `frame.write` gives that body its
signature, places the buffers in the arena and prints the rest. Nothing in program, arena, literals, header or frame
knows of float: a buffer of `int8_t` and a constant of np.int8 are as good, and a step of integer kernels may stand
beside one of float kernels in the same file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

BYTES = {"float": 4, "int32_t": 4, "int16_t": 2, "int8_t": 1, "uint8_t": 1}


@dataclass(frozen=True, eq=False)
class Buffer:
    """An array that holds one tensor, height x width x channels, while the program runs. Equal by identity.

    Attributes:
        ctype: of an element: a key of BYTES.
        count: elements.
    """

    ctype: str
    count: int

    @property
    def size_bytes(self) -> int:
        """Of the whole array."""
        return BYTES[self.ctype] * self.count


@dataclass(frozen=True, eq=False)
class Constant:
    """A `static const` array, which lies in flash.

    Attributes:
        name: a C identifier, unique in the file, such as `conv1_weights`.
        values: float32, int32, int16, int8 or uint8, of any shape; printed in C order, a row a line.
        slack: a C constant expression: zeros that follow, for kernels that load whole vectors beyond the end.
    """

    name: str
    values: NDArray[Any]
    slack: str = "0"


@dataclass(frozen=True, eq=False)
class Step:
    """One C function and its call.

    The body finds its arrays under fixed names: `x` (the first of `reads`), `x2` (the second), and so on; `y` (what is
    written); `scratch`. All are `restrict`, unless the step may run in place.

    Attributes:
        name: of the function, unique in the file, a C identifier such as `conv1`.
        comment: what it does, for the reader of the file: text of ours, without names of the user's.
        body: C statements, indented by four spaces.
        reads: what it needs.
        writes: what it fills, every element of it.
        constants: that its body names.
        macs: multiply-accumulates.
        scratch: memory that it needs only while it runs; or None.
        in_place: whether `y` may be the same array as `x`.
    """

    name: str
    comment: str
    body: str
    reads: tuple[Buffer, ...]
    writes: Buffer
    constants: tuple[Constant, ...] = ()
    macs: int = 0
    scratch: Buffer | None = None
    in_place: bool = False


@dataclass(frozen=True, eq=False)
class Program:
    """A whole network.

    Attributes:
        image: the caller's input.
        scores: the caller's output.
        steps: in the order in which they run.
        preamble: C text that the steps' bodies need: types and small functions, each block once.
    """

    image: Buffer
    scores: Buffer
    steps: tuple[Step, ...]
    preamble: tuple[str, ...] = ()

    @property
    def constants(self) -> tuple[Constant, ...]:
        """Of all steps, in their order; what several steps share stands once."""
        return tuple(dict.fromkeys(constant for step in self.steps for constant in step.constants))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(step.macs for step in self.steps)

    @property
    def flash_bytes(self) -> int:
        """Of all constants, without the slack that vector units need."""
        return sum(constant.values.nbytes for constant in self.constants)
