def test_depthwise_convolutions(sketch, agree, written, flags):
    s = sketch(12, 13, 5)
    x = s.Relu(s.Conv("image", s.weights(5, 1, 3, 3), s.weights(5), group=5, pads=[1, 1, 1, 1]))
    x = s.Conv(x, s.weights(21, 5, 1, 1), s.weights(21))
    x = s.Relu(s.Conv(x, s.weights(21, 1, 3, 3), s.weights(21), group=21, strides=[2, 2], pads=[0, 0, 1, 1]))
    x = s.Conv(x, s.weights(21, 1, 2, 5), group=21, dilations=[2, 1], pads=[1, 2, 1, 2])
    model = s.model(x)
    assert [step.name for step in written(model)[2].steps][-3:] == ["depthwise2", "depthwise3", "order2"]
    agree(model, flags)


def test_several_outputs_a_channel(sketch, agree, written):
    s = sketch(9, 9, 4)
    model = s.model(s.Conv("image", s.weights(12, 1, 3, 3), s.weights(12), group=4, pads=[1, 1, 1, 1]))
    assert [step.name for step in written(model)[2].steps] == ["order1", "conv1", "order2"]
    agree(model)
