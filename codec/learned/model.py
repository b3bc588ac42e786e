"""The installed weights of a learned codec, found, checked and made ready to run."""

from codec.base.errors import UsageError, WeightsMissing
from nets.latent_nets import TILE, LatentNets
from nets.latents import HYPER, OUTER

CODECS = ("learned-factorized", "learned-hyperprior")
PLACEMENT = "codec"


def choose_weights(codec, directory=""):
    """Id of the installed weights of a codec of CODECS. Raises WeightsMissing."""
    from nets import weights

    directory, architecture = directory or weights.WEIGHTS, codec.removeprefix("learned-")
    for entry in weights.manifest(directory):
        if (entry.architecture, entry.placement) == (architecture, PLACEMENT):
            return entry.id
    raise WeightsMissing(f"Codec={codec}: no weights of it are installed in {directory}")


class Model(LatentNets):
    """The LatentNets of installed weights.

    id  of the weights, which streams carry
    """

    def __init__(self, key, directory="", backend="auto", device="cpu", decoder_only=False, pool=None, parts=1,
                 tile=TILE):  # fmt: skip
        """key: id or name;  decoder_only: without the nets of an encoder. Raises WeightsMissing, UsageError."""
        from nets import weights

        directory = directory or weights.WEIGHTS
        entry = weights.find(key, directory, "the stream")
        if entry.placement != PLACEMENT:
            raise WeightsMissing(f"network weights {key} ({entry.name}) are not those of a learned codec")
        codec = weights.load(key, directory, "the stream", weights.CODEC)
        self.id = entry.id
        skipped = (OUTER[0], HYPER[0]) if decoder_only else ()
        super().__init__(codec, _backend(backend, device), skipped, pool, parts, tile)


def _backend(backend, device):
    """The `prepare` of a CnnBackend: compiled loops, or torch where it is asked for, or another device."""
    if backend == "compiled" and device != "cpu":
        raise UsageError(f"CnnBackend=compiled computes on the processor: leave CnnDevice={device} out")
    if backend != "torch" and device == "cpu":
        from nets.program import prepare

        return prepare
    from nets.torch_backend import check_device, prepare

    if device != "cpu":
        check_device(device)
    return lambda net: prepare(net, device=device)
