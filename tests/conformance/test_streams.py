"""Foreign streams: a few of ../shared/streams and a few made by x265 here, exact in a fresh pydec as elsewhere."""

import pytest

from tests.conformance import foreign, x265_inter_matrix, x265_matrix
from tests.conformance.run import DEFAULT_DIRECTORY, read_index, verify

_SMALL = [
    "g2b_multi_slice",
    "g2b_pcm_hm_64x64",
    "g2b_tiles",
    "heifconf_B006",
    "hm_ai_10bit_foreman",
    "hm_ai_dqp_foreman",
    "hm_ai_lossless_foreman",
    "hm_ai_lossless_cu_foreman",
    "hm_ai_pcm_foreman",
    "hm_ai_scaling_default_foreman",
    "hm_ai_slices_bytes_foreman",
    "hm_ai_tskip_noSBH_foreman",
    "hm_ai_wpp_depslices_foreman",
    "g2b_inter_b",
    "g2b_tu_inter4x4_motion",
    "hm_ldb_10bit_foreman",
    "hm_ldb_mincu16_amp_foreman",
    "hm_ldb_weighted_foreman",
    "hm_ldp_constrained_intra_foreman",
    "hm_ldp_lossless_mix_foreman",
    "hm_ldp_parmerge_foreman",
    "hm_ra_cra_rasl_goat",
    "hm_ra_wpp_slices_foreman",
]

needs_streams = pytest.mark.skipif(not (DEFAULT_DIRECTORY / "index.csv").is_file(), reason="no ../shared/streams")


@needs_streams
@pytest.mark.parametrize("name", _SMALL)
def test_a_shared_stream_decodes_to_its_md5(name):
    found = [(stream, row["md5"]) for stream, row in read_index(DEFAULT_DIRECTORY) if row["name"] == name]
    assert len(found) == 1
    verdict = verify(*found[0])
    assert (verdict.result, verdict.reason) == ("ok", "")


@foreign.needs(foreign.X265, foreign.FFMPEG)
@pytest.mark.parametrize("case", x265_matrix.SMALL_PART)
def test_an_x265_stream_decodes_as_in_ffmpeg(case, tmp_path):
    assert x265_matrix.check(case, tmp_path) == ""


@foreign.needs(foreign.X265, foreign.FFMPEG)
@pytest.mark.parametrize("case", x265_inter_matrix.SMALL_PART)
def test_an_inter_stream_of_x265_decodes_as_in_ffmpeg(case, tmp_path):
    assert x265_inter_matrix.check(case, tmp_path) == ""


@foreign.needs(foreign.X265, foreign.FFMPEG, foreign.LIBDE265)
def test_three_decoders_in_processes_of_their_own_agree(tmp_path):
    stream = x265_matrix.make_stream("small odd size", tmp_path)
    truth = foreign.ffmpeg_md5(stream)
    assert foreign.pydec_md5(stream) == truth
    assert foreign.libde265_md5(stream) == truth


@foreign.needs(foreign.X265, foreign.FFMPEG)
def test_a_wrong_picture_is_told(tmp_path):
    stream = x265_matrix.make_stream("small odd size", tmp_path)
    verdict = verify(stream, "0" * 32)
    assert verdict.result == "wrong" and "MD5" in verdict.reason
