from dataclasses import replace
from pathlib import Path

import numpy as np

from digitedge.measure.parity import compare
from digitedge.report.bodies import Judged, parity_row


def test_flips_are_told_by_their_place_in_the_data_set(golden):
    some = [0, 3, 5]
    part = {name: getattr(golden, name)[some] for name in ("images", "labels", "scores")}
    recorded = replace(golden, **part, places=np.array(some))
    parity = compare(recorded.scores, recorded.scores[:, [1, 0, 2]], recorded.labels)
    assert parity.flips
    row = parity_row(Judged(Path("x.onnx"), "onnx", "fp32", parity, None), recorded)
    assert row["flipped"] == [some[index] for index in parity.flips]
    assert len(row["flipped"]) == sum(row["flips_by_class"].values())
