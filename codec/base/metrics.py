"""Distortion of a plane, and the picture hashes of the decoded picture hash SEI message."""

import binascii
import functools
import hashlib
import math

import numpy as np

# what HM prints for a plane without any error
PSNR_LOSSLESS = 999.99
HASH_NAMES = {1: "MD5", 2: "CRC", 3: "Checksum"}
# (D.3.19) feeds the register 0xFFFF and ends with 16 zero bits; crc_hqx adds those bits implicitly, for which the start
# value becomes 0xFFFF * x^16 modulo the polynomial
_CRC_START = 0x1D0F


def squared_error(a, b):
    """Sum of squared differences of two equally large integer planes, exactly."""
    difference = a.astype(np.int32) - b.astype(np.int32)
    return int(np.sum(difference * difference, dtype=np.int64))


def mse(a, b):
    """Mean squared error of two planes; 0 for empty ones."""
    return squared_error(a, b) / a.size if a.size else 0.0


def psnr(mean_squared_error, bit_depth):
    """PSNR in dB with HM's peak, 255 << (bit_depth - 8)."""
    if mean_squared_error == 0:
        return PSNR_LOSSLESS
    peak = 255 << (bit_depth - 8)
    return 10 * math.log10(peak * peak / mean_squared_error)


def weighted_psnr(mse_yuv, bit_depth, has_chroma=True):
    """HM's YUV-PSNR: of the squared errors weighted by sample count, 4:1:1 over 6; of luma alone in 4:0:0."""
    y, u, v = mse_yuv
    return psnr((4 * y + u + v) / 6 if has_chroma else y, bit_depth)


def _sample_bytes(plane, bit_depth):
    """(D.3.19) pictureData: one byte a sample up to 8 bits, two above, the low one first."""
    return np.ascontiguousarray(plane, dtype="u1" if bit_depth == 8 else "<u2").tobytes()


def plane_md5(plane, bit_depth):
    """(D.3.19) picture_md5: 16 bytes."""
    return hashlib.md5(_sample_bytes(plane, bit_depth), usedforsecurity=False).digest()


def plane_crc(plane, bit_depth):
    """(D.3.19) picture_crc: 2 bytes."""
    return binascii.crc_hqx(_sample_bytes(plane, bit_depth), _CRC_START).to_bytes(2, "big")


@functools.lru_cache(4)
def _checksum_mask(height, width):
    """(D.3.19) xorMask of a plane: uint8."""
    x, y = np.arange(width), np.arange(height)[:, None]
    return ((x & 0xFF) ^ (y & 0xFF) ^ (x >> 8) ^ (y >> 8)).astype(np.uint8)


def plane_checksum(plane, bit_depth):
    """(D.3.19) picture_checksum: 4 bytes."""
    mask = _checksum_mask(*plane.shape)
    total = int(np.sum(plane.astype(np.uint8) ^ mask, dtype=np.uint64))
    if bit_depth > 8:
        total += int(np.sum((plane >> 8).astype(np.uint8) ^ mask, dtype=np.uint64))
    return (total & 0xFFFFFFFF).to_bytes(4, "big")


_PLANE_HASHES = {1: plane_md5, 2: plane_crc, 3: plane_checksum}


def picture_hash(planes, bit_depths, kind):
    """(D.3.19) One digest (bytes) per plane; bit_depths (luma, chroma); kind 1 MD5, 2 CRC, 3 checksum.

    The planes are those of the decoded picture before cropping.
    """
    compute = _PLANE_HASHES[kind]
    return [compute(plane, bit_depths[1 if index else 0]) for index, plane in enumerate(planes)]


def hash_text(kind, digests):
    """A picture's hash as HM prints it: "MD5:y,u,v"."""
    return f"{HASH_NAMES[kind]}:{','.join(digest.hex() for digest in digests)}"
