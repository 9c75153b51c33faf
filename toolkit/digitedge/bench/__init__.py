"""Latency: fresh processes, in turn, every engine by the same loop, and a verdict in words."""
