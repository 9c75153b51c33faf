"""What a model expects and what it gives. Carried inside every artefact, so that a file needs nothing beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, cast, get_args

from digitedge.errors import ContentError

Layout = Literal["NHWC", "NCHW"]
OutputKind = Literal["probabilities", "logits", "label"]
INPUT_DTYPES = ("float32", "uint8", "int8")


@dataclass(frozen=True, slots=True)
class Spec:
    """The contract of one model file.

    Attributes:
        input_name: name of the input tensor, `image`.
        input_shape: (height, width, channels) of one image, whatever the layout.
        input_dtype: NumPy name of the input's type: `float32`; `uint8` for raw pixels, which the file scales itself;
            `int8` for the integers of an int8 file, whose scale and zero point stand in the file.
        layout: order of the input's axes in the file.
        range: the values that black and white have at the input, before mean and std: (0.0, 1.0); of raw pixels always
            (0.0, 255.0), with a mean of 0 and a std of 1.
        mean: subtracted per channel after scaling to `range`; one entry a channel.
        std: divided by per channel after that; one entry a channel.
        output_name: name of the output tensor.
        output_kind: `probabilities` (sum to 1), `logits` (before the softmax), both float32 (n, classes); or `label`,
            the place of the winning class, an integer (n,).
        classes: the name of each output, in order.
    """

    input_name: str
    input_shape: tuple[int, int, int]
    input_dtype: str
    layout: Layout
    range: tuple[float, float]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    output_name: str
    output_kind: OutputKind
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises ContentError where the parts contradict each other."""
        channels = self.input_shape[2]
        problems = [
            (len(self.mean) != channels, f"mean has {len(self.mean)} entries for {channels} channels"),
            (len(self.std) != channels, f"std has {len(self.std)} entries for {channels} channels"),
            (0.0 in self.std, "std has a zero"),
            (self.range[0] >= self.range[1], f"range {self.range} is empty"),
            (self.input_dtype not in INPUT_DTYPES, f"input_dtype is {self.input_dtype}"),
            (self.layout not in get_args(Layout), f"layout is {self.layout}"),
            (self.output_kind not in get_args(OutputKind), f"output_kind is {self.output_kind}"),
            (len(self.classes) < 2, f"{len(self.classes)} class"),  # noqa: PLR2004 (a classifier tells two things apart)
        ]
        for wrong, problem in problems:
            if wrong:
                raise ContentError(f"the model's description is not consistent: {problem}.", "Export the model again.")

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types; `from_json` reads it back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @staticmethod
    def from_json(document: dict[str, Any]) -> Spec:
        """The inverse of `to_json`.

        Raises:
            ContentError: a key is missing or has another type.
        """
        try:
            height, width, channels = (int(size) for size in document["input_shape"])
            low, high = (float(value) for value in document["range"])
            return Spec(
                input_name=str(document["input_name"]),
                input_shape=(height, width, channels),
                input_dtype=str(document["input_dtype"]),
                layout=cast("Layout", document["layout"]),
                range=(low, high),
                mean=tuple(float(value) for value in document["mean"]),
                std=tuple(float(value) for value in document["std"]),
                output_name=str(document["output_name"]),
                output_kind=cast("OutputKind", document["output_kind"]),
                classes=tuple(str(name) for name in document["classes"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            message = f"a model's description cannot be read: {error!r}."
            raise ContentError(message, "Export the model again.") from error


def image_spec(input_shape: tuple[int, int, int], classes: tuple[str, ...], layout: Layout) -> Spec:
    """The description of a model that takes `image` in [0, 1] and gives `probabilities`, as all of ours do."""
    channels = input_shape[2]
    return Spec(
        input_name="image",
        input_shape=input_shape,
        input_dtype="float32",
        layout=layout,
        range=(0.0, 1.0),
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        output_name="probabilities",
        output_kind="probabilities",
        classes=classes,
    )


def raw_pixels(spec: Spec) -> Spec:
    """The description of the same model with the scaling of pixels inside the file: it takes uint8, 0 to 255."""
    channels = len(spec.mean)
    return replace(spec, input_dtype="uint8", range=(0.0, 255.0), mean=(0.0,) * channels, std=(1.0,) * channels)


def counted(classes: int) -> tuple[str, ...]:
    """The names of classes that nobody has named: 0, 1, 2 and so on."""
    return tuple(str(index) for index in range(classes))
