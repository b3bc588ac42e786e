"""(E.3.1, table E.5) The matrices between RGB and Y'CbCr, as the VUI names them."""

from fractions import Fraction
from typing import NamedTuple

from codec.base.errors import Unsupported

# (table E.5) matrix_coeffs: KR, KB in ten-thousandths
_KR_KB = {
    1: (2126, 722),  # BT.709
    4: (3000, 1100),
    5: (2990, 1140),  # BT.601
    6: (2990, 1140),
    7: (2120, 870),
    9: (2627, 593),  # BT.2020
}
_UNSPECIFIED, _BT601 = 2, 6


class Colour(NamedTuple):
    """(E.3.1) What the VUI says of colour; without it, BT.601 in limited range."""

    matrix_coeffs: int = _UNSPECIFIED
    full_range: bool = False

    def check(self):
        """Raise Unsupported for a matrix that is not of the kind of BT.601 and BT.709."""
        if self.matrix_coeffs not in (*_KR_KB, _UNSPECIFIED):
            known = ", ".join(map(str, sorted([*_KR_KB, _UNSPECIFIED])))
            raise Unsupported(f"(E.3.1) matrix_coeffs = {self.matrix_coeffs} cannot be converted to RGB, only {known}")

    @property
    def kr_kb(self):
        """KR and KB as Fractions."""
        code = _BT601 if self.matrix_coeffs == _UNSPECIFIED else self.matrix_coeffs
        return tuple(Fraction(part, 10000) for part in _KR_KB[code])
