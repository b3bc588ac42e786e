"""Profile, tier and level (7.3.3, 7.4.4, annex A)."""

from dataclasses import dataclass, field

from codec.base.serdes import structure

PROFILE_MAIN, PROFILE_MAIN_10, PROFILE_MAIN_STILL_PICTURE = 1, 2, 3

# compatibility flags of each profile with itself and with the profiles that contain it (A.3)
_COMPATIBLE = {
    PROFILE_MAIN: (PROFILE_MAIN, PROFILE_MAIN_10),
    PROFILE_MAIN_10: (PROFILE_MAIN_10,),
    PROFILE_MAIN_STILL_PICTURE: (PROFILE_MAIN, PROFILE_MAIN_10, PROFILE_MAIN_STILL_PICTURE),
}


@dataclass
class Profile:
    """The 88 bits that describe a profile; level_idc is 30 times the level's number."""

    profile_space: int = 0
    tier_flag: int = 0
    profile_idc: int = PROFILE_MAIN
    profile_compatibility_flags: int = 1 << (31 - PROFILE_MAIN) | 1 << (31 - PROFILE_MAIN_10)  # bit 31 is flag[0]
    progressive_source_flag: int = 1
    interlaced_source_flag: int = 0
    non_packed_constraint_flag: int = 0
    frame_only_constraint_flag: int = 1
    reserved_zero_44bits: int = 0
    level_idc: int = 93
    profile_present_flag: int = 0  # of a sub-layer
    level_present_flag: int = 0  # of a sub-layer


@dataclass
class ProfileTierLevel:
    """general_* in `general`, sub_layer_* in `sub_layers`."""

    general: Profile = field(default_factory=Profile)
    reserved_zero_2bits: int = 0
    sub_layers: list = field(default_factory=list)


def profile_of(profile_idc, level_idc, tier_flag=0):
    """A ProfileTierLevel for one of the three profiles of version 1, with its compatibility flags (A.3)."""
    flags = sum(1 << (31 - idc) for idc in _COMPATIBLE[profile_idc])
    return ProfileTierLevel(
        Profile(profile_idc=profile_idc, profile_compatibility_flags=flags, level_idc=level_idc, tier_flag=tier_flag)
    )


def _profile(s, p):
    s.u(p, "profile_space", 2)
    s.flag(p, "tier_flag")
    s.u(p, "profile_idc", 5)
    s.u(p, "profile_compatibility_flags", 32)
    s.flag(p, "progressive_source_flag")
    s.flag(p, "interlaced_source_flag")
    s.flag(p, "non_packed_constraint_flag")
    s.flag(p, "frame_only_constraint_flag")
    s.u(p, "reserved_zero_44bits", 44)


@structure("7.4.4")
def profile_tier_level(s, ptl, max_sub_layers_minus1):
    """(7.3.3) profile_tier_level(1, max_sub_layers_minus1)"""
    general = s.nested(ptl, "general", Profile)
    _profile(s, general)
    s.u(general, "level_idc", 8)
    layers = [s.item(ptl.sub_layers, i, Profile) for i in range(max_sub_layers_minus1)]
    for layer in layers:
        s.flag(layer, "profile_present_flag")
        s.flag(layer, "level_present_flag")
    if layers:
        s.u(ptl, "reserved_zero_2bits", 2 * (8 - max_sub_layers_minus1))
    for layer in layers:
        if layer.profile_present_flag:
            _profile(s, layer)
        if layer.level_present_flag:
            s.u(layer, "level_idc", 8)
