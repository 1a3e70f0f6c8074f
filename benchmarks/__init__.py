"""Benchmarks, run by hand. Belongs here: timing beside a peer. Does not belong here: anything that asserts."""
