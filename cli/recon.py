"""Where the pictures that come out of the codec are written: a raw file, y4m, or PNGs."""

from contextlib import contextmanager

from codec.base.errors import UsageError
from codec.base.io import stills
from codec.base.io.rgb import shown, to_rgb
from codec.base.io.writer import PictureWriter, StillWriter, whole_file


@contextmanager
def open_recon(name, bit_depth, frame_rate, keep_on=(), sample_aspect=None):
    """Yield write(planes, bit_depths, colour, rgb, rate=None, aspect=None, interlaced=""), which appends a picture.

    bit_depth, frame_rate, sample_aspect   as for PictureWriter;  keep_on: as for whole_file
    colour, rgb             as in codec.base.picture: images hold `rgb`, or what `planes` stand for
    rate, aspect, interlaced   what the stream tells, for a y4m header
    """
    if stills.is_still(name):
        if bit_depth not in (0, 8):
            raise UsageError(f"{name}: images have 8 bits, OutputBitDepth is {bit_depth}")
        images = StillWriter(name)

        def write_image(planes, bit_depths, colour, rgb, rate=None, aspect=None, interlaced=""):
            if rgb is None:
                colour.check()
                rgb = shown(to_rgb(planes, bit_depths, colour))
            images.write(rgb)

        yield write_image
        return
    with whole_file(name, keep_on=keep_on) as file:
        writer = PictureWriter(file, name.lower().endswith(".y4m"), bit_depth, frame_rate, sample_aspect)

        def write_planes(planes, bit_depths, colour, rgb, rate=None, aspect=None, interlaced=""):
            writer.write(planes, bit_depths, rate, aspect, colour.full_range, interlaced)

        yield write_planes
