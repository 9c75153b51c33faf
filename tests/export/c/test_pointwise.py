import numpy as np
from onnx import TensorProto


def test_activations(sketch, agree):
    s = sketch(3, 4, 2)
    wide = s.Sub(s.Mul("image", np.float32(12)), np.float32(6))
    six = np.float32(6)
    parts = [
        s.Relu(wide),
        s.Clip(wide, np.float32(0), six),
        s.LeakyRelu(wide, alpha=0.3),
        s.HardSwish(wide),
        s.HardSigmoid(wide),
        s.Sigmoid(wide),
        s.Tanh(wide),
        s.Elu(wide, alpha=0.7),
        s.Mul(wide, s.Div(s.Clip(s.Add(wide, np.float32(3)), np.float32(0), six), six)),
        s.Mul(wide, s.Sigmoid(wide)),
    ]
    agree(s.model(s.Flatten(s.Concat(*parts, axis=1))))


def test_constants_of_every_shape_on_either_side(sketch, agree):
    s = sketch(3, 4, 2)
    x = s.Add(s.Mul("image", s.weights(1, 2, 1, 1)), s.weights(2, 3, 4))
    x = s.Div(np.float32(1), s.Add(s.Sub(s.weights(2, 1, 1), x), np.float32(4)))
    scale, shift, mean = s.weights(2), s.weights(2), s.weights(2)
    x = s.BatchNormalization(x, scale, shift, mean, np.array([0.5, 2], np.float32), epsilon=1e-3)
    agree(s.model(s.Mul(s.Flatten(x), np.float32(10) * s.weights(24))))


def test_additions_and_gates(sketch, agree, written):
    s = sketch(6, 5, 4)
    x = s.Relu(s.Conv("image", s.weights(4, 4, 3, 3), pads=[1, 1, 1, 1]))
    y = s.Relu(s.Add(x, s.Conv(x, s.weights(4, 4, 3, 3), pads=[1, 1, 1, 1])))
    gate = s.Sigmoid(s.Conv(s.GlobalAveragePool(y), s.weights(4, 4, 1, 1)))
    turned = s.Transpose(s.Mul(gate, y), perm=[0, 2, 3, 1])
    other = s.Transpose(s.GlobalMaxPool(x), perm=[0, 2, 3, 1])
    model = s.model(s.Sub(s.Div(turned, s.Add(other, np.float32(1))), s.Transpose(x, perm=[0, 2, 3, 1])))
    steps = written(model)[2].steps
    assert [step.name for step in steps if "Relu" in step.comment] == ["conv1", "pointwise1"]
    agree(model)


def test_raw_pixels_are_divided_as_numpy_divides_them(sketch, run_c, monkeypatch):
    s = sketch(16, 16, 1, TensorProto.UINT8)
    model = s.model(s.Flatten(s.Div(s.Cast("image", to=1), np.float32(255))))
    from digitedge.export.c import frame

    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    plain = frame.write

    def of_pixels(name, program, embedded):
        from dataclasses import replace

        from digitedge.spec import raw_pixels

        return plain(name, program, replace(embedded, spec=raw_pixels(embedded.spec)))

    monkeypatch.setattr(frame, "write", of_pixels)
    unit = pixels.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(run_c(model, unit), unit.reshape(1, -1))
