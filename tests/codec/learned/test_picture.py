"""Pictures to streams and back: the same to the bit in every backend, in tiles of any size, with any threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("constriction")

from codec.base.errors import CorruptStream, HashMismatch, LimitExceeded, Unsupported, WeightsMissing
from codec.learned.coder import Reader
from codec.learned.model import Model, choose_weights
from codec.learned.picture import decode_picture, encode_picture
from codec.learned.stream import HEADER_BYTES, read_header, write_header
from nets import reference
from nets.latent_nets import LatentNets
from tests.codec.learned.plain_coder import PlainDecoder
from tests.codec.learned.small_codec import SETTINGS, install, picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    install(folder)
    return folder


def model_of(folder, architecture, **settings):
    return Model(f"small_{architecture}", folder, **settings)


def by_id(folder, **settings):
    return lambda key: Model(key, folder, decoder_only=True, **settings)


@pytest.mark.parametrize("architecture", SETTINGS)
@pytest.mark.parametrize("size", [(64, 64), (50, 70), (1, 1), (129, 66)])
def test_any_size_comes_back(folder, architecture, size):
    rgb = picture(*size)
    coded = encode_picture(model_of(folder, architecture), rgb, 5)
    assert coded.rgb.shape == rgb.shape and coded.rgb.dtype == np.uint8
    np.testing.assert_array_equal(decode_picture(by_id(folder), coded.data), coded.rgb)
    error = np.square(coded.rgb.astype(float) - rgb).mean()
    # nets that have learnt nothing are still the best linear transform
    assert error < 0.3 * np.square(rgb - rgb.mean((0, 1))).mean() or size == (1, 1)


@pytest.mark.parametrize("architecture", SETTINGS)
def test_more_quality_is_more_bytes_and_less_error(folder, architecture):
    rgb, model = picture(128, 128, 9), model_of(folder, architecture)
    coded = [encode_picture(model, rgb, quality) for quality in range(6)]
    sizes = [len(each.data) for each in coded]
    errors = [np.square(each.rgb.astype(float) - rgb).mean() for each in coded]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]
    assert errors[-1] < errors[0]
    assert [read_header(each.data).quality for each in coded] == list(range(6))


@pytest.mark.parametrize("architecture", SETTINGS)
def test_twenty_settings_make_the_same_bytes_and_samples(folder, architecture):
    rgb = picture(160, 208, 4)
    wanted = encode_picture(model_of(folder, architecture), rgb, 3)
    count = 0
    for backend in ("compiled", "torch"):
        for tile in (None, 64, 128, 512, 1024):
            for threads in (1, 3):
                with ThreadPoolExecutor(threads) as pool:
                    how = dict(backend=backend, tile=tile, pool=pool if threads > 1 else None, parts=threads)
                    made = encode_picture(model_of(folder, architecture, **how), rgb, 3)
                    assert made.data == wanted.data, (backend, tile, threads)
                    back = decode_picture(by_id(folder, **how), wanted.data)
                    np.testing.assert_array_equal(back, wanted.rgb)
                    count += 1
    assert count == 20


@pytest.mark.parametrize("architecture", SETTINGS)
def test_the_definition_as_code_says_the_same(folder, architecture):
    rgb = picture(64, 64, 2)
    model = model_of(folder, architecture)
    plain = LatentNets(model.codec, lambda net: lambda inputs: reference.run(net, inputs))
    groups, centre = plain.encode(rgb, 4)
    coded = encode_picture(model, rgb, 4)
    np.testing.assert_array_equal(plain.decode(groups[-1].symbols, centre, 4), coded.rgb)
    decoder = PlainDecoder(coded.data[HEADER_BYTES:])
    for group in groups:
        np.testing.assert_array_equal(decoder.symbols(group.numbers, model.codec.tables[group.name]), group.symbols)


def test_what_a_stream_needs_is_named(folder, tmp_path):
    coded = encode_picture(model_of(folder, "factorized"), picture(64, 64), 0)
    key = read_header(coded.data).weights
    other = tmp_path / "other"
    install(other, "hyperprior")
    with pytest.raises(WeightsMissing, match=key):
        decode_picture(by_id(other), coded.data)
    with pytest.raises(WeightsMissing, match="learned-factorized"):
        choose_weights("learned-factorized", other)
    assert choose_weights("learned-factorized", folder) == key


def test_another_picture_than_the_checksum_says(folder):
    coded = encode_picture(model_of(folder, "hyperprior"), picture(64, 64), 2)
    header = read_header(coded.data)
    changed = write_header(header._replace(checksum=header.checksum ^ 1)) + coded.data[HEADER_BYTES:]
    with pytest.raises(HashMismatch) as caught:
        decode_picture(by_id(folder), changed)
    np.testing.assert_array_equal(caught.value.rgb, coded.rgb)
    np.testing.assert_array_equal(decode_picture(by_id(folder), changed, checked=False), coded.rgb)


def test_headers_that_are_none(folder):
    coded = encode_picture(model_of(folder, "hyperprior"), picture(64, 64), 2)
    header = read_header(coded.data)
    assert len(coded.data) == HEADER_BYTES + header.payload_bytes
    payload = coded.data[HEADER_BYTES:]
    for wrong, error in (
        (coded.data[:10], CorruptStream),
        (coded.data[:-1], CorruptStream),
        (coded.data + b"\0", CorruptStream),
        (b"xyz" + coded.data[3:], CorruptStream),
        (coded.data[:3] + b"\2" + coded.data[4:], Unsupported),
        (write_header(header._replace(quality=6)) + payload, CorruptStream),
        (write_header(header._replace(width=0)) + payload, CorruptStream),
        (write_header(header._replace(width=60000)) + payload, LimitExceeded),
        (write_header(header._replace(width=16000, height=16000)) + payload, LimitExceeded),
        (write_header(header._replace(payload_bytes=1 << 30)) + payload, CorruptStream),
        (write_header(header._replace(weights="00" * 8)) + payload, WeightsMissing),
    ):
        with pytest.raises(error):
            decode_picture(by_id(folder), wrong)


def test_what_is_no_codec_is_no_model():
    with pytest.raises(WeightsMissing, match="learned codec"):
        Model("lop_intra")


def test_damaged_latents_end_with_a_documented_code(folder):
    """A small part of `python -m tests.fuzz.learned`."""
    from tests.fuzz.learned import ALLOWED, case, outcome

    streams = {name: encode_picture(model_of(folder, name), picture(64, 96), 4).data for name in SETTINGS}
    found = [outcome(case(seed, streams)[0], folder) for seed in range(80)]
    assert set(found) <= ALLOWED and len(set(found)) >= 4


def test_a_reader_makes_whole_arrays_of_anything(folder):
    model = model_of(folder, "factorized")
    numbers = model.tables_alone("y", 0, (3, 5))
    data = np.random.default_rng(1).bytes(400)
    try:
        assert Reader(data).read(numbers, model.codec.tables["y"]).shape == numbers.shape
    except CorruptStream as error:
        assert "damaged" in str(error)
