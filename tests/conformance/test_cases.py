"""Streams of ../shared/cases that are legal, or broken where it does not matter: decoded as other decoders do."""

import hashlib
import io

import pytest

from cli.inspect.stream import access_units
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from tests.conformance.foreign import ROOT
from tests.conformance.run import picture_bytes

CASES = ROOT.parent / "shared" / "cases"
FOLDERS = {"advisory_headers": "dc559c59", "unused_sets": "dc559c59", "ignored_nal_units": "dc559c59"}
STREAMS = {
    "sei_between_slices/hm_du1.bin": "a61805a4514b94dda0985e890ad9c41e",
    "sei_between_slices/userdata.bin": "06bfb45b",
    "join_mid_gop/pictures_before_first_sets.265": "dc559c59",
}
for _folder, _md5 in FOLDERS.items():
    STREAMS |= {f"{_folder}/{path.name}": _md5 for path in sorted((CASES / _folder).glob("*.265"))}

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="no ../shared/cases")


@pytest.mark.parametrize("name", STREAMS)
def test_a_case_decodes_to_its_md5(name):
    data = (CASES / name).read_bytes()
    pictures = list(decode_stream(DecoderConfig(), io.BytesIO(data)))
    assert hashlib.md5(b"".join(map(picture_bytes, pictures))).hexdigest().startswith(STREAMS[name])
    assert {picture.decode_index for picture in pictures} == set(range(len(access_units(io.BytesIO(data))[0])))


def test_all_folders_have_streams():
    assert len(STREAMS) >= 19
