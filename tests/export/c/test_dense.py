import numpy as np


def test_dense_layers_of_any_size(sketch, agree, flags):
    s = sketch(5, 3, 7)
    x = s.Relu(s.Gemm(s.Flatten("image"), s.weights(130, 105), s.weights(130), transB=1))
    x = s.Gemm(x, s.weights(130, 1).T.copy().reshape(130, 1) * np.ones((1, 9), np.float32), alpha=0.5)
    x = s.Add(s.MatMul(x, s.weights(9, 20)), s.weights(20))
    x = s.Gemm(x, s.weights(3, 20).T.copy(), s.weights(1, 3), beta=2.0)
    agree(s.model(x), flags)


def test_the_rows_are_put_in_the_order_of_memory(sketch, agree, written):
    s = sketch(4, 5, 3)
    x = s.Conv("image", s.weights(6, 3, 3, 3))
    by_channel = s.Gemm(s.Flatten(x), s.weights(2, 36), transB=1)
    turned = s.Reshape(s.Transpose(x, perm=[0, 2, 3, 1]), np.array([-1, 36]))
    model = s.model(s.Concat(by_channel, s.MatMul(turned, s.weights(36, 2)), axis=1))
    assert [step.name for step in written(model)[2].steps] == ["conv1", "dense1", "dense2", "concat1"]
    agree(model)
