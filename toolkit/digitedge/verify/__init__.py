"""Parity: every file in every engine that can run it, in a process of its own, and what came of it."""
