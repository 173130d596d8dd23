"""Benchmarks: each module has `main()`, prints ratios, and never passes or fails on a time."""
