"""Integers for floats, so that decisions stay."""
