"""Access unit delimiter (7.3.2.5)."""

from dataclasses import dataclass

from codec.base.serdes import structure

# pic_type (table 7-2): the slice types that may be present
AUD_I, AUD_P_I, AUD_B_P_I = range(3)


@dataclass
class Aud:
    """access_unit_delimiter_rbsp()"""

    pic_type: int = AUD_B_P_I


@structure("7.4.3.5")
def access_unit_delimiter_rbsp(s, aud):
    """(7.3.2.5) access_unit_delimiter_rbsp()"""
    s.u(aud, "pic_type", 3)
    s.rbsp_trailing_bits()
