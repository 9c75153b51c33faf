"""What the world does to images after the test set was made. Each file defines `CORRUPTIONS`: see `kind.Corruption`."""
