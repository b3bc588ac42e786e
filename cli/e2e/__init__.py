"""Learned codecs beside the standards: `make learned`."""
