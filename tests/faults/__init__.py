"""Faults that a run must survive, by families; `benchmarks/faults.py` tries them all, the tests some of them."""
