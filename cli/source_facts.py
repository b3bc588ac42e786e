"""What the source's header or name tells, as values of the encoder's config and as lines to the person."""

from codec.base.io.aspect import aspect_syntax
from codec.base.io.colour import MATRIX_COEFFICIENTS

# rates that differ by less are the same one, written in another way (59.94 and 60)
_SAME_RATE = 0.01
_INTERLACED = {"t": "top field first", "b": "bottom field first", "m": "some of its pictures"}


def take_from_source(settings, source, values):
    """(notes, warnings); sets size, depths, rate, chroma format and VUI fields in `values`, fields of EncoderConfig."""
    found, name = source.format, source.name
    chroma = settings["ChromaFormatIDC"] or (420 if found.chroma_format_idc else 400)
    width, height = found.coded_size(int(chroma == 420))
    values.update(SourceWidth=width, SourceHeight=height, InputBitDepth=found.bit_depth, ChromaFormatIDC=chroma)
    notes = [f"taken from {name}: {found}"] if _tells_format(settings, source) else []
    if (width, height) != (found.width, found.height):
        notes.append(f"{found.width}x{found.height} is extended to {width}x{height}: 4:2:0 has even sides only")
    if not settings.given("FrameRate") and found.frame_rate:
        values["FrameRate"] = found.frame_rate
        notes.append(f"taken from {name}: {float(found.frame_rate):g} pictures a second")
    warnings = [*_rate_warning(settings, source), *_interlaced_warning(source)]
    if settings.typed("InputColour") and source.kind != "stills":
        warnings.append("InputColour has no effect: the source is not in RGB")
    if source.kind == "stills":
        matrix = settings["InputColour"]
        notes.append(f"RGB to limited-range Y'CbCr 4:2:0, {matrix.upper().replace('BT', 'BT.')}")
        if not settings.given("VuiParametersPresent") and chroma == 420:
            warnings += _tell_in_vui(values, name, _colour_of_stills(matrix))
    if found.full_range or found.sample_aspect:
        words, fields = _said_by_header(found)
        if settings.given("VuiParametersPresent") and not settings["VuiParametersPresent"]:
            warnings.append(f"{name}: {words} is told to no decoder, because VuiParametersPresent=0")
        else:
            notes.append(f"taken from {name}: {words}")
            warnings += _tell_in_vui(values, name, fields)
    return notes, warnings


def _tells_format(settings, source):
    """Whether size, depth or chroma format come from the source and not from the person."""
    told = source.told
    asked = (
        ("SourceWidth", told.width is not None),
        ("InputBitDepth", bool(told.bit_depths)),
        ("InputChromaFormat", told.chroma_format_idc is not None),
    )
    return source.kind != "yuv" or any(tells and not settings.given(option) for option, tells in asked)


def _rate_warning(settings, source):
    found, told = source.format.frame_rate, source.told.frame_rate
    if settings.given("FrameRate") or not found or not told or abs(found - told) <= _SAME_RATE * told:
        return []
    return [f"{source.name}: its header says {float(found):g} pictures a second, its name {float(told):g}: see -fr"]


def _interlaced_warning(source):
    letter = source.format.interlaced
    if not letter:
        return []
    return [
        f"{source.name}: is interlaced (I{letter}, {_INTERLACED[letter]}); its frames are coded as progressive "
        "pictures, and no decoder is told: deinterlace it first"
    ]


def _colour_of_stills(matrix):
    """sRGB's primaries and transfer, and the matrix of the conversion."""
    return dict(
        VideoSignalTypePresent=True,
        ColourDescriptionPresent=True,
        ColourPrimaries=1,
        TransferCharacteristics=13,
        MatrixCoefficients=MATRIX_COEFFICIENTS[matrix],
    )


def _said_by_header(found):
    """(words, VUI fields) of range and sample aspect ratio."""
    words, fields = [], {}
    if found.full_range:
        words.append("full range")
        fields.update(VideoSignalTypePresent=True, VideoFullRange=True)
    if found.sample_aspect:
        idc, width, height = aspect_syntax(found.sample_aspect)
        words.append(f"sample aspect ratio {found.sample_aspect.numerator}:{found.sample_aspect.denominator}")
        fields.update(AspectRatioInfoPresent=True, AspectRatioIdc=idc, SarWidth=width, SarHeight=height)
    return " and ".join(words), fields


def _tell_in_vui(values, name, fields):
    """Set VUI fields that the person did not; warnings where the person says otherwise."""
    wrong = [key for key, value in fields.items() if values.get(key, value) != value]
    values.update({"VuiParametersPresent": True, **fields, **values})
    return [f"{name}: {key}={int(fields[key])} by the source, but {int(values[key])} by the options" for key in wrong]
