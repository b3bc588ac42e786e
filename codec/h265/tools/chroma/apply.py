"""Chroma from luma, applied: by the kernels of recon/cross_component.py, which need nothing of Python."""

from codec.common.tools.tool import Application

__all__ = ["Application"]
