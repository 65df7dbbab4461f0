"""The parts of the proof that everything is seen: with Prometheus, over the backends of `tests/outcomes`. Standard library alone."""
