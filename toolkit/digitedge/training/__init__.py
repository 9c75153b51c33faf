"""From images to a trained network. Imports TensorFlow: the workstation side."""
