"""Damaged learned streams must end well: decoded, or refused with a documented exit code, soon.

Run: python -m tests.fuzz.learned [--count N] [--first SEED] [PHOTO ...]; photos are coded with the installed weights
"""

import argparse
import time
from collections import Counter

import numpy as np

from codec.base.errors import CodecError
from codec.learned.model import CODECS, Model, choose_weights
from codec.learned.picture import decode_picture, encode_picture

ALLOWED = {0, 4, 5, 6, 7, 8}
TIME_LIMIT = 20.0
_models = {}


def case(seed, streams):
    """The damaged stream of a seed. -> (bytes, what was done to which)"""
    rng = np.random.default_rng(seed)
    name = list(streams)[int(rng.integers(len(streams)))]
    data, kind = bytearray(streams[name]), int(rng.integers(5))
    if kind == 0:
        del data[int(rng.integers(len(data))) :]
    elif kind == 1:
        data += rng.bytes(int(rng.integers(1, 9)))
    elif kind == 2:
        at = int(rng.integers(min(len(data), 25)))
        data[at] ^= 1 << int(rng.integers(8))
    else:
        for _ in range(1 if kind == 3 else 8):
            at = int(rng.integers(len(data)))
            data[at] = int(rng.integers(256))
    return bytes(data), f"{name}: {('cut', 'longer', 'header', 'byte', 'bytes')[kind]}"


def outcome(stream, folder=""):
    """Decode a damaged stream as pydec does. -> its exit code; other exceptions than ours pass"""

    def make(key):
        if (key, str(folder)) not in _models:
            _models[key, str(folder)] = Model(key, folder, decoder_only=True)
        return _models[key, str(folder)]

    try:
        decode_picture(make, stream)
    except CodecError as error:
        if not str(error).strip() or "\n" in str(error):
            raise RuntimeError(f"not one line: {str(error)!r}") from error
        return error.exit_code
    return 0


def main():
    """Print a table; the exit status tells whether all ended well."""
    from codec.base.io.stills import read_rgb
    from tests.codec.learned.small_codec import picture

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("photos", nargs="*")
    options = parser.parse_args()
    photos = {name: read_rgb(name)[:192, :256] for name in options.photos} or {"made up": picture(128, 192)}
    streams = {}
    for codec in CODECS:
        model = Model(choose_weights(codec))
        for name, rgb in photos.items():
            for quality in (0, 3, 5):
                streams[f"{codec} {name} {quality + 1}"] = encode_picture(model, rgb, quality).data
    codes, slowest = Counter(), (0.0, "")
    for seed in range(options.first, options.first + options.count):
        stream, what = case(seed, streams)
        began = time.perf_counter()
        try:
            code = outcome(stream)
        except Exception as error:
            raise RuntimeError(f"seed {seed}, {what}") from error
        slowest = max(slowest, (time.perf_counter() - began, f"seed {seed}, {what}"))
        codes[code] += 1
    print(f"{options.count} damaged streams: " + ", ".join(f"{n} ended with {c}" for c, n in sorted(codes.items())))
    print(f"the slowest took {slowest[0]:.1f} s ({slowest[1]})")
    raise SystemExit(bool(set(codes) - ALLOWED) or slowest[0] > TIME_LIMIT)


if __name__ == "__main__":
    main()
