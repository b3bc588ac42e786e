"""Measuring: rate-distortion points, curves, Bjontegaard deltas, quality, sweeps, reports (pybd and pysweep)."""
