"""Stand-ins for the codec, so that the command lines can be tested without it: the "stream" holds raw planes."""

import pickle
import sys
import types

import numpy as np

from codec.base.errors import CorruptStream
from codec.base.metrics import hash_text, mse, picture_hash, psnr
from codec.base.picture import DecodedPicture, PictureReport


def encode_sequence(config, pictures, sink):
    """Code every picture as itself minus its lowest bit."""
    from tests.cli.inspect import blocks

    for index, planes in enumerate(pictures):
        assert all(plane.dtype == np.int16 for plane in planes)
        recon = [plane & ~1 for plane in planes]
        errors = [mse(a, b) for a, b in zip(planes, recon, strict=True)] + [0.0] * (3 - len(planes))
        depth = config.InternalBitDepth
        digest = hash_text(1, picture_hash(recon, (depth, depth), 1))
        data = pickle.dumps((recon, depth, config.picture_qp(index), digest))
        sink.write(len(data).to_bytes(4, "big") + data)
        yield PictureReport(
            index=index,
            poc=index,
            temporal_id=0,
            slice_type="I",
            is_reference=True,
            qp=config.picture_qp(index),
            nqp=config.QP,
            bits=8 * len(data),
            psnr=tuple(psnr(e, depth) for e in errors),
            mse=tuple(errors),
            seconds=0.25,
            hash=digest,
            recon=recon,
            statistics=blocks.statistics() if config.BlockStatistics else None,
        )


def decode_stream(config, source):
    """Undo encode_sequence; a first byte above 127 stands for a corrupt stream."""
    index = 0
    while head := source.read(4):
        if head[0] > 127:
            raise CorruptStream("(7.3.1.1) picture begins with nonsense")
        recon, depth, qp, digest = pickle.loads(source.read(int.from_bytes(head, "big")))
        right = hash_text(1, picture_hash(recon, (depth, depth), 1)) == digest
        status = ("OK" if right else "ERROR") if config.SEIDecodedPictureHash else "unk"
        yield DecodedPicture(
            recon, (depth, depth), index, 0, "I", qp, 0.006, hash_status=status, hash=digest, decode_index=index
        )
        index += 1


def install(monkeypatch):
    """Put the stand-ins where the programs look for the codec."""
    for name, function in (
        ("codec.h265.encoder.encode", encode_sequence),
        ("codec.h265.decoder.decode", decode_stream),
    ):
        module = types.ModuleType(name)
        setattr(module, function.__name__, function)
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(sys.modules[name.rsplit(".", 1)[0]], name.rsplit(".", 1)[1], module, raising=False)
