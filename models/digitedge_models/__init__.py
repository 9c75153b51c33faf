"""Architectures. One file each, with `build(input_shape, classes) -> keras.Model` that gives probabilities."""
