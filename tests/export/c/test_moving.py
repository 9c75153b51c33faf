import numpy as np


def test_concatenation_padding_and_other_orders(sketch, agree):
    s = sketch(4, 6, 3)
    x = s.Conv("image", s.weights(5, 3, 1, 1))
    x = s.Concat(x, "image", s.Relu(x), axis=1)
    x = s.Pad(x, np.array([0, 0, 1, 0, 0, 0, 2, 3]), np.float32(0.5))
    x = s.Conv(x, s.weights(4, 13, 3, 3), pads=[1, 1, 1, 1])
    x = s.Concat(s.Transpose(x, perm=[0, 2, 3, 1]), s.Transpose(s.Relu(x), perm=[0, 2, 3, 1]), axis=3)
    x = s.Transpose(x, perm=[0, 3, 1, 2])
    x = s.Reshape(x, np.array([1, 4, 7, 18]))  # another picture of the same elements
    agree(s.model(s.Conv(x, s.weights(2, 4, 2, 2))))
