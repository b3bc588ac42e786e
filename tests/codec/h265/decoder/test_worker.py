"""The worker: functions run in their order, in a thread or at once, and nothing tells how many threads there are."""

import io
import threading

import pytest

from codec.base.errors import CorruptStream
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from codec.h265.decoder.worker import Worker
from tests.codec.base.kernels.test_warm import inter_stream


@pytest.mark.parametrize("threads", [1, 2])
def test_functions_run_in_their_order(threads):
    worker, seen = Worker(threads), []
    futures = [worker.submit(lambda k=k: seen.append(k) or k * k) for k in range(50)]
    worker.wait()
    assert seen == list(range(50))
    assert [future.result() for future in futures] == [k * k for k in range(50)]
    worker.close()


def test_only_a_second_thread_is_a_thread():
    main = threading.get_ident()
    for threads, is_thread in ((1, False), (2, True)):
        worker = Worker(threads)
        assert worker.is_thread is is_thread
        assert (worker.submit(threading.get_ident).result() != main) is is_thread
        worker.close()


def test_nothing_runs_behind_an_error():
    worker, seen = Worker(2), []
    worker.submit(_fail)
    later = worker.submit(seen.append, 1)
    with pytest.raises(ZeroDivisionError):
        later.result()
    with pytest.raises(ZeroDivisionError):
        worker.wait()
    assert not seen
    worker.close()


def _fail():
    raise ZeroDivisionError


def decoded(data, threads):
    """(samples of all pictures, what was raised or None)"""
    samples = []
    try:
        for picture in decode_stream(DecoderConfig(Threads=threads), io.BytesIO(data)):
            samples.append((picture.poc, picture.hash_status, b"".join(p.tobytes() for p in picture.planes)))
    except CorruptStream as error:
        return samples, str(error)
    return samples, None


def test_whole_stream_with_any_number_of_threads():
    stream = inter_stream() * 3
    one = decoded(stream, 1)
    assert len(one[0]) == 6 and one[1] is None
    assert decoded(stream, 2) == one


@pytest.mark.parametrize("kept", [0.4, 0.6, 0.8, 0.97])
def test_cut_stream_with_any_number_of_threads(kept):
    """Pictures before the fault come out, and the fault is told, with the same words."""
    stream = inter_stream()
    data = stream + stream[: int(kept * len(stream))]
    one = decoded(data, 1)
    assert decoded(data, 2) == one
    assert len(one[0]) >= 2


def test_pictures_need_not_be_taken():
    pictures = decode_stream(DecoderConfig(Threads=2), io.BytesIO(inter_stream() * 3))
    assert next(pictures).poc == 0
    pictures.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]
