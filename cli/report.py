"""The lines that HM prints, as text: header, a line a picture, SUMMARY (formats: reference/HM.md)."""

import math

from codec.base.metrics import weighted_psnr

_COLUMNS = "Y-PSNR    U-PSNR    V-PSNR    YUV-PSNR  "


def _row(name, value):
    return f"{name:<39}: {value}\n"


def _depths(depth):
    return f"(Y:{depth}, C:{depth})"


def encoder_header(config, job, version):
    """The block before the first picture, for a cli.encoder_job.Job."""
    rate = f"{float(config.FrameRate):g}Hz"
    width, height = config.coded_size
    last = "end" if job.frames is None else job.frame_skip + job.frames - 1
    count = "all" if job.frames is None else job.frames
    pcm_depth = min(config.InputBitDepth, config.InternalBitDepth) if config.PCMInputBitDepthFlag else None
    adaptation = f"{int(config.AdaptiveQP)} (range={config.MaxQPAdaptationRange if config.AdaptiveQP else 0})"
    level = config.Level if config.Level != "auto" else "automatic"
    rows = (
        ("Input          File", job.input_name),
        ("Bitstream      File", job.bitstream_name),
        ("Reconstruction File", job.recon_name),
        ("Real     Format", f"{config.SourceWidth}x{config.SourceHeight} {rate}"),
        ("Internal Format", f"{width}x{height} {rate}"),
        ("Chroma format", "4:0:0" if config.ChromaFormatIDC == 400 else "4:2:0"),
        ("Sequence PSNR output", "Linear average only"),
        ("Frame index", f"{job.frame_skip} - {last} ({count} frames)"),
        ("Profile", config.Profile),
        ("Level / tier", f"{level} / {config.Tier}"),
        (
            "CU size / depth / total-depth",
            f"{config.MaxCUWidth} / {config.MaxPartitionDepth} / {config.MaxPartitionDepth}",
        ),
        (
            "RQT trans. size (min / max)",
            f"{1 << config.QuadtreeTULog2MinSize} / {1 << config.QuadtreeTULog2MaxSize}",
        ),
        ("Max RQT depth inter", config.QuadtreeTUMaxDepthInter),
        ("Max RQT depth intra", config.QuadtreeTUMaxDepthIntra),
        ("Min PCM size", 1 << config.PCMLog2MinSize),
        ("Motion search range", config.SearchRange),
        ("Intra period", config.IntraPeriod),
        ("Decoding refresh type", config.DecodingRefreshType),
        ("QP", config.QP),
        ("Max dQP signaling depth", config.MaxCuDQPDepth),
        ("Cb QP Offset", config.CbQpOffset),
        ("Cr QP Offset", config.CrQpOffset),
        ("QP adaptation", adaptation),
        ("GOP size", config.GOPSize),
        ("Input bit depth", _depths(config.InputBitDepth)),
        ("Internal bit depth", _depths(config.InternalBitDepth)),
        ("PCM sample bit depth", _depths(pcm_depth or config.InternalBitDepth)),
    )
    return f"{version}\n\n" + "".join(_row(*row) for row in rows) + "\n" + _tool_line(config) + "\n"


def _tool_line(config):
    values = {
        "IBD": config.InternalBitDepth > config.InputBitDepth,
        "HAD": config.HadamardME,
        "RDQ": config.RDOQ,
        "RDQTS": config.RDOQTS,
        "ASR": config.ASR,
        "FEN": config.FEN,
        "ECU": config.ECU,
        "FDM": config.FDM,
        "CFM": config.CFM,
        "ESD": config.ESD,
        "TransformSkip": config.TransformSkip,
        "TransformSkipFast": config.TransformSkipFast,
        "Slice: M": config.SliceMode,
        "CIP": config.ConstrainedIntraPred,
        "SAO": config.SAO,
        "PCM": config.PCMEnabledFlag,
        "TransQuantBypassEnabled": config.TransquantBypassEnable,
        "WPP": config.WeightedPredP,
        "WPB": config.WeightedPredB,
        "PME": config.Log2ParallelMergeLevel,
        "WaveFrontSynchro": config.WaveFrontSynchro,
        "ScalingList": config.ScalingList,
        "SignBitHidingFlag": config.SignHideFlag,
        "TMVPMode": config.TMVPMode,
    }
    words = (f"{name}{'=' if name.startswith('Slice') else ':'}{int(value)}" for name, value in values.items())
    return f"TOOL CFG: {' '.join(words)}\n"


def _lists(refs):
    return "".join(f" [L{number} {''.join(f'{poc} ' for poc in pocs)}]" for number, pocs in enumerate(refs))


def _letter(picture):
    return picture.slice_type if picture.is_reference else picture.slice_type.lower()


def encoder_line(picture):
    """The line of one coded picture (PictureReport)."""
    y, u, v = picture.psnr
    line = (
        f"POC {picture.poc:4d} TId: {picture.temporal_id:1d} "
        f"( {_letter(picture)}-SLICE, nQP {picture.nqp} QP {picture.qp} ) {picture.bits:10d} bits"
        f" [Y {y:6.4f} dB    U {u:6.4f} dB    V {v:6.4f} dB] [ET {picture.seconds:5.0f} ]{_lists(picture.refs)}"
    )
    return f"{line} [{picture.hash}]" if picture.hash else line


def decoder_line(picture):
    """The line of one decoded picture (DecodedPicture)."""
    status = "***ERROR***" if picture.hash_status == "ERROR" else picture.hash_status
    digest = picture.hash or ":"
    return (
        f"POC {picture.poc:4d} TId: {picture.temporal_id:1d} ( {_letter(picture)}-SLICE, QP{picture.qp:3d} ) "
        f"[DT {picture.seconds:6.3f}]{_lists(picture.refs)} [{digest},({status})] "
    )


def means(pictures, config):
    """Figures of a set of PictureReports: frames, kbps, psnr_y, psnr_u, psnr_v, psnr_yuv; NaN when it is empty."""
    count = len(pictures)
    if not count:
        return {"frames": 0, **dict.fromkeys(("kbps", "psnr_y", "psnr_u", "psnr_v", "psnr_yuv"), math.nan)}
    mse = [sum(picture.mse[c] for picture in pictures) / count for c in range(3)]
    psnr = [sum(picture.psnr[c] for picture in pictures) / count for c in range(3)]
    bits = sum(picture.bits for picture in pictures)
    return {
        "frames": count,
        "kbps": float(bits * config.FrameRate / count / 1000),
        "psnr_y": psnr[0],
        "psnr_u": psnr[1],
        "psnr_v": psnr[2],
        "psnr_yuv": weighted_psnr(mse, config.InternalBitDepth, config.ChromaFormatIDC != 400),
    }


def _number(value, width):
    return f"{'-nan' if math.isnan(value) else f'{value:.4f}':>{width}}"


def _table(figures, letter, mono):
    names = ("psnr_y",) if mono else ("psnr_y", "psnr_u", "psnr_v", "psnr_yuv")
    columns = "Y-PSNR" if mono else _COLUMNS
    values = "  ".join(_number(figures[name], 8) for name in names)
    tail = "" if mono else "  "
    return (
        f"\tTotal Frames |   Bitrate     {columns}\n"
        f"\t {figures['frames']:8d}    {letter} {_number(figures['kbps'], 12)}  {values}{tail}\n"
    )


def summary(pictures, config, byte_count, seconds):
    """Everything after the last picture's line: SUMMARY, the tables of each slice type, bytes, time.

    RVM is 0 as HM prints it for every configuration but a GOP of one with inter pictures.
    """
    mono = config.ChromaFormatIDC == 400
    text = "\n\nSUMMARY --------------------------------------------------------\n"
    text += _table(means(pictures, config), "a", mono)
    for letter in "IPB":
        chosen = [picture for picture in pictures if picture.slice_type == letter]
        text += f"\n\n{letter} Slices--------------------------------------------------------\n"
        text += _table(means(chosen, config), letter.lower(), mono)
    kbps = float(8 * byte_count * config.FrameRate / max(1, len(pictures)) / 1000)
    return f"{text}\nRVM: 0.000\nBytes written to file: {byte_count} ({kbps:.3f} kbps)\n{total_time(seconds)}"


def total_time(seconds):
    """HM's last line."""
    return f"\n Total Time: {seconds:12.3f} sec.\n"
