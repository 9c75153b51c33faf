import numpy as np
from onnx import TensorProto


def test_softmax_of_small_and_large_scores(sketch, agree):
    s = sketch(1, 10, 1)
    agree(s.model(s.Softmax(s.Mul(s.Flatten("image"), np.float32(300)), axis=1)), count=20, atol=1e-6)


def test_softmax_of_what_is_not_a_number_is_none(sketch, run_c):
    s = sketch(1, 4, 1)
    images = np.array([[1, 2, np.nan, 3], [np.nan, 0, 0, 0], [1, 2, 3, 4]], np.float32).reshape(3, 1, 4, 1)
    scores = run_c(s.model(s.Softmax(s.Flatten("image"))), images)
    assert np.isnan(scores).all(axis=1).tolist() == [True, True, False]


def test_the_first_of_equals_wins_and_nothing_wins_over_what_is_not_a_number(sketch, run_c, monkeypatch):
    from dataclasses import replace

    from digitedge.export.c import frame
    from digitedge.runtime import c99

    plain = frame.write

    def of_label(name, program, embedded):
        spec = replace(embedded.spec, output_kind="label", output_name="label", classes=tuple("abcd"))
        return plain(name, program, replace(embedded, spec=spec))

    monkeypatch.setattr(frame, "write", of_label)
    monkeypatch.setattr(c99, "one_hot", lambda labels, spec: labels)
    s = sketch(1, 4, 1)
    images = np.array([[1, 3, 3, 2], [-5, -7, -6, -8], [0, 1, np.nan, 9], [0, 1, 2, 9]], np.float32)
    model = s.model(s.ArgMax(s.Flatten("image"), axis=1, keepdims=0), TensorProto.INT64)
    assert run_c(model, images.reshape(4, 1, 4, 1)).tolist() == [1, 0, -1, 3]
