"""Where a sequence may be cut, so that its parts, coded apart, are together the stream of the whole.

A part begins where all that the buffer still holds for later pictures are intra pictures: they depend on nothing, so
that they can be coded again, exactly alike, by whoever codes the part. Behind an IDR picture nothing is held; behind a
CRA picture and its leading pictures, only the CRA picture.
"""

from dataclasses import dataclass, replace

from codec.h265.encoder.plan.gop import PlannedPicture, Planner

# how many pictures a segment has at least: all intra, and where an intra picture is coded twice for it
_LEAST, _LEAST_TWICE = 4, 16


@dataclass(frozen=True)
class Segment:
    """Pictures that are coded together.

    again     intra pictures of earlier segments that these ones refer to: to be coded, but not written
    pictures  PlannedPictures in coding order
    """

    again: tuple[PlannedPicture, ...]
    pictures: tuple[PlannedPicture, ...]

    @property
    def planned(self):
        """All pictures to be coded, in coding order."""
        return self.again + self.pictures

    @property
    def span(self):
        """(number of the first picture in display order, how many up to the last)."""
        indices = [picture.index for picture in self.planned]
        return min(indices), max(indices) - min(indices) + 1

    def coding_order(self, sources):
        """Pair every planned picture with its planes; `sources`: the iterable of the pictures of `span`."""
        begin, wanted, held = self.span[0], {picture.index for picture in self.planned}, {}
        numbered = enumerate(sources, begin)
        for picture in self.planned:
            while picture.index not in held:
                index, planes = next(numbered)
                if index in wanted:
                    held[index] = planes
            yield picture, held.pop(picture.index)


def segments(config, count, nested):
    """Yield the Segments of a sequence of `count` pictures; a single one where it cannot be cut.

    config  validated EncoderConfig without rate control, by which each picture depends on all before it
    nested  Structure.nested
    """
    again, pictures, held, has_intra = (), [], {}, False
    for picture in _planned(config, count, nested):
        references = [held[picture.poc + delta] for delta, _ in picture.rps]
        has_intra |= picture.slice_type == "I" and bool(pictures)
        least = _LEAST_TWICE if references else _LEAST
        if has_intra and len(pictures) >= least and all(reference.slice_type == "I" for reference in references):
            yield Segment(again, tuple(pictures))
            again, pictures, has_intra = _alone(references), [], False
        pictures.append(picture)
        held = {reference.poc: reference for reference in references} | {picture.poc: picture}
    yield Segment(again, tuple(pictures))


def _planned(config, count, nested):
    planner, begin = Planner(config, nested), 0
    while begin < count:
        size = min(planner.group_size(begin), count - begin)
        yield from planner.group(begin, size)
        begin += size


def _alone(references):
    """Intra pictures as they are coded when nothing else was: each keeps those before it, and no others."""
    return tuple(
        replace(picture, rps=tuple(sorted((before.poc - picture.poc, False) for before in references[:number])))
        for number, picture in enumerate(references)
    )
