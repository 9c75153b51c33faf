"""How many images a call takes is left to the caller, or fixed."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from digitedge.export.passes.graph import (
    constant,
    image_sizes,
    infer_shapes,
    is_op,
    require_known_images,
    set_weight,
    to_identity,
)

BATCH = "N"
_KINDS = ("Reshape", "Squeeze", "Unsqueeze", "Flatten")


class FreeBatch(ir.passes.InPlacePass):
    """Names the first dimension of inputs and outputs, and lets no Reshape stand in its way.

    Precondition: the sizes of an image are known, and the graph holds no graphs.

    1. A Reshape that keeps the images apart says so: its shape begins with 0, the batch as it comes, whatever numbers
       or computed shape stood there. Squeeze and Unsqueeze are such Reshapes too.
    2. Where its result has two dimensions it becomes a Flatten; where it changes nothing it goes.
    3. Of two in a row the first goes.

    Postcondition: every output has as many images as the input.
    """

    def __init__(self, batch: int | None = None) -> None:
        """With `batch`, a call takes exactly so many images."""
        super().__init__()
        self.batch: int | str = BATCH if batch is None else batch

    def requires(self, model: ir.Model) -> None:
        """Raises ValueError for a graph whose images have no known size."""
        require_known_images(model)

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Rewrites every Reshape that keeps the images apart."""
        self._infer(model)
        reshapes = [node for node in model.graph if is_op(node, *_KINDS)]
        rewritten = [_free(node) for node in reshapes]
        self._infer(model)
        return ir.passes.PassResult(model, modified=any(rewritten))

    def _infer(self, model: ir.Model) -> None:
        """Infers every shape anew: what the converter wrote may hold the batch that it was given."""
        images = [(value, image_sizes(value) or ()) for value in (*model.graph.inputs, *model.graph.outputs)]
        for value in (output for node in model.graph for output in node.outputs):
            value.shape = None
        for value, image in images:
            value.shape = ir.Shape([self.batch, *image])
        infer_shapes(model)

    def ensures(self, model: ir.Model) -> None:
        """Raises ValueError where an output does not follow the batch, or a Reshape fixes it."""
        infer_shapes(model)
        for node in model.graph:
            shape = constant(node.inputs[1]) if is_op(node, "Reshape") else None
            if shape is not None and shape.size and shape[0] > 0 and isinstance(self.batch, str):
                raise ValueError(f"{node.name} fixes the batch to {shape[0]}")
        batches = [value.shape[0] for value in (*model.graph.inputs, *model.graph.outputs) if value.shape is not None]
        if any(batch != self.batch for batch in batches):
            raise ValueError(
                f"the batch is {self.batch}, but inputs and outputs have {[str(batch) for batch in batches]}"
            )


def _free(node: ir.Node) -> bool:
    if not _keeps_images_apart(node):
        return False
    first = node.inputs[0].producer() if node.inputs[0] is not None else None
    if first is not None and is_op(first, "Identity", *_KINDS) and _keeps_images_apart(first):
        node.replace_input_with(0, first.inputs[0])
    before, after = image_sizes(node.inputs[0]), image_sizes(node.outputs[0]) or ()
    if before == after:
        to_identity(node)
    elif len(after) == 1:
        node.op_type = "Flatten"
        node.attributes.clear()
        node.attributes.add(ir.AttrInt64("axis", 1))
        node.resize_inputs(1)
    else:
        node.op_type = "Reshape"
        node.attributes.clear()
        set_weight(node, 1, np.array([0, *after], np.int64))
    return True


def _keeps_images_apart(node: ir.Node) -> bool:
    before, after = image_sizes(node.inputs[0]), image_sizes(node.outputs[0])
    return bool(before and after) and np.prod(before or ()) == np.prod(after or ())
