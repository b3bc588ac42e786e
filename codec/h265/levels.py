"""Levels and tiers of H.265 (annex A): their limits, and the choice of a level for a picture format."""

from typing import NamedTuple


class Level(NamedTuple):
    """(tables A.8, A.9) General limits of a level; bit rates in units of 1000 bits/s, 0 where there is no high tier."""

    name: str
    max_luma_ps: int
    max_luma_sr: int
    max_slice_segments: int
    max_tile_rows: int
    max_tile_cols: int
    max_br_main: int
    max_br_high: int

    @property
    def idc(self):
        """(A.4.1) general_level_idc: 30 times the level number."""
        return round(30 * float(self.name))

    def max_dpb_pictures(self, width, height):
        """(A-2) MaxDpbSize of a coded luma size: how many pictures the buffer may hold, the current one included."""
        samples = width * height
        if samples <= self.max_luma_ps >> 2:
            return 16
        if samples <= self.max_luma_ps >> 1:
            return 12
        return 8 if samples <= 3 * self.max_luma_ps >> 2 else 6


LEVELS = (
    Level("1", 36_864, 552_960, 16, 1, 1, 128, 0),
    Level("2", 122_880, 3_686_400, 16, 1, 1, 1_500, 0),
    Level("2.1", 245_760, 7_372_800, 20, 1, 1, 3_000, 0),
    Level("3", 552_960, 16_588_800, 30, 2, 2, 6_000, 0),
    Level("3.1", 983_040, 33_177_600, 40, 3, 3, 10_000, 0),
    Level("4", 2_228_224, 66_846_720, 75, 5, 5, 12_000, 30_000),
    Level("4.1", 2_228_224, 133_693_440, 75, 5, 5, 20_000, 50_000),
    Level("5", 8_912_896, 267_386_880, 200, 11, 10, 25_000, 100_000),
    Level("5.1", 8_912_896, 534_773_760, 200, 11, 10, 40_000, 160_000),
    Level("5.2", 8_912_896, 1_069_547_520, 200, 11, 10, 60_000, 240_000),
    Level("6", 35_651_584, 1_069_547_520, 600, 22, 20, 60_000, 240_000),
    Level("6.1", 35_651_584, 2_139_095_040, 600, 22, 20, 120_000, 480_000),
    Level("6.2", 35_651_584, 4_278_190_080, 600, 22, 20, 240_000, 800_000),
)
# (A.4.1) level 8.5: no limit, for still picture profiles only
LEVEL_8_5_IDC = 255


def faults(level, width, height, frame_rate, tile_columns, tile_rows, high_tier, dpb_pictures=1):
    """(A.4.1, A.4.2) What of the format is above the limits of `level`: a list of sentences, empty when it fits."""
    found = []
    if width * height > level.max_luma_ps:
        found.append(f"{width}x{height} is {width * height} luma samples, above {level.max_luma_ps}")
    for side in (width, height):
        if side * side > 8 * level.max_luma_ps:
            found.append(f"a side of {side} is above sqrt(8 * {level.max_luma_ps})")
    if width * height * frame_rate > level.max_luma_sr:
        found.append(f"{float(width * height * frame_rate):.0f} luma samples a second are above {level.max_luma_sr}")
    if tile_columns > level.max_tile_cols or tile_rows > level.max_tile_rows:
        found.append(f"{tile_columns}x{tile_rows} tiles are above {level.max_tile_cols}x{level.max_tile_rows}")
    if high_tier and not level.max_br_high:
        found.append("it has no high tier")
    room = level.max_dpb_pictures(width, height)
    if dpb_pictures > room:
        found.append(f"the GOP needs a buffer of {dpb_pictures} pictures, above {room} at {width}x{height}")
    return found


def choose_level(width, height, frame_rate, tile_columns=1, tile_rows=1, high_tier=False, dpb_pictures=1):
    """The lowest :class:`Level` that admits coded luma size, pictures a second, tiles, tier and buffer; None above 6.2.

    The bit rate is not known before a picture is coded, so it takes no part; give a level where it matters.
    """
    for level in LEVELS:
        if not faults(level, width, height, frame_rate, tile_columns, tile_rows, high_tier, dpb_pictures):
            return level
    return None


def general_level_idc(config, dpb_pictures=1):
    """(A.4.1) general_level_idc of a validated EncoderConfig whose GOP needs a buffer of `dpb_pictures`."""
    if config.Level == "8.5":
        return LEVEL_8_5_IDC
    if config.Level != "auto":
        return by_name(config.Level).idc
    width, height = config.coded_size
    tiles = (config.NumTileColumnsMinus1 + 1, config.NumTileRowsMinus1 + 1)
    level = choose_level(width, height, config.FrameRate, *tiles, config.Tier == "high", dpb_pictures)
    return level.idc if level else LEVELS[-1].idc


def by_name(name):
    """The :class:`Level` called `name`, such as "4.1"."""
    return next(level for level in LEVELS if level.name == name)
