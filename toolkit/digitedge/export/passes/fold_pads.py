"""Zeros around the image are added by the convolution itself."""

from __future__ import annotations

import onnx_ir as ir

from digitedge.export.passes.graph import constant, is_op, only_reader, to_identity

_UNPADDED = ("NOTSET", "VALID")


class FoldPads(ir.passes.InPlacePass):
    """Pad -> Conv becomes Conv with `pads`.

    Precondition: zeros are padded, on height and width only, and nothing but the Conv reads them.
    Postcondition: no such Pad is left.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Moves the pads of every such pair."""
        found = [pair for node in model.graph if (pair := _pair(node))]
        for pad, conv, (top, left, bottom, right) in found:
            own = conv.attributes.get_ints("pads", [0, 0, 0, 0])
            pads = [own[0] + top, own[1] + left, own[2] + bottom, own[3] + right]
            conv.attributes.pop("auto_pad", None)
            conv.attributes.add(ir.AttrInt64s("pads", pads))
            to_identity(pad)
        return ir.passes.PassResult(model, modified=bool(found))

    def ensures(self, model: ir.Model) -> None:
        """Raises ValueError where such a Pad is left."""
        left = [node.name for node in model.graph if _pair(node)]
        if left:
            raise ValueError(f"{left[0]} could be part of the convolution behind it")


def _pair(pad: ir.Node) -> tuple[ir.Node, ir.Node, tuple[int, int, int, int]] | None:
    """The Pad, the Conv behind it, and how many rows and columns of zeros: top, left, bottom, right."""
    if not is_op(pad, "Pad") or pad.attributes.get_string("mode", "constant") != "constant":
        return None
    conv = only_reader(pad.outputs[0])
    if conv is None or not is_op(conv, "Conv") or conv.attributes.get_string("auto_pad", "NOTSET") not in _UNPADDED:
        return None
    counts = _counts(pad)
    if counts is None or counts[:2] + counts[4:6] != [0, 0, 0, 0] or min(counts) < 0:
        return None
    return pad, conv, (counts[2], counts[3], counts[6], counts[7])


def _counts(pad: ir.Node) -> list[int] | None:
    """How much is padded before and after each of the four axes; None where it is not zeros, or not known."""
    inputs = [*pad.inputs, None, None][:4]
    counts, value = constant(inputs[1]), constant(inputs[2])
    if counts is None or inputs[3] is not None or (inputs[2] is not None and (value is None or value.any())):
        return None
    return [int(count) for count in counts] if counts.size == 8 else None  # noqa: PLR2004 (two ends of four axes)
