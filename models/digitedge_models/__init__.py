"""Architectures. One file each, with `build(input_shape, classes) -> keras.Model` that gives probabilities.

`SEES_ONE_IMAGE = True` says that no layer looks at the whole batch, as BatchNormalization does: training on a CPU is
then faster.
"""
