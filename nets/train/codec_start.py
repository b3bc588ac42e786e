"""Where the training of a learned codec begins: with the linear transform that keeps most (principal components).

Scales begin as the standard deviations of its latents.

Three stages, each of the one before: 4x4 pixels of three colours, then 2x2 places twice. A stage's rows are orthonormal
and the synthesis has them transposed, so the codec begins as one of transforms, before its first step.
"""

from nets.torch_backend import import_torch


def start_as_transform(module, rgb):
    """Set the weights of a CodecModule from real RGB (batch, 3, rows, columns)."""
    torch = import_torch()
    unshuffle = torch.nn.functional.pixel_unshuffle
    analysis, synthesis = module.parts["analysis"], module.parts["synthesis"]
    down, up = _backbone(analysis), _backbone(synthesis)
    with torch.no_grad():
        for part, names in ((analysis, down), (synthesis, up)):
            for name in names:
                part.weights[name].zero_()
        # pixels to the first stage: unshuffled twice, as the nets do
        x = unshuffle(unshuffle(rgb, 2), 2)
        rows = _components(torch, x, analysis.weights[down[0]].shape[0])
        analysis.weights[down[0]][:, : x.shape[1], 1, 1] = rows
        synthesis.weights[up[-1]][:, :, 1, 1] = rows.T
        x = torch.einsum("oc,bcyx->boyx", rows, x)
        for at in (1, 2):
            # (channel, row, column) of the 2x2 places
            places = unshuffle(x, 2)
            rows = _components(torch, places, analysis.weights[down[at]].shape[0])
            square = rows.reshape(len(rows), -1, 2, 2)
            analysis.weights[down[at]][:, :, 1:3, 1:3] = square
            synthesis.weights[up[-1 - at]][:, :, 1:3, 1:3] = square
            x = torch.einsum("oc,bcyx->boyx", rows, places)
        latent = analysis.weights[down[2]].shape[0]
        synthesis.weights[up[0]][:, :latent, 0, 0] = torch.eye(latent)
        _begin_scales(torch, module, torch.einsum("oc,bcyx->boyx", rows, places))


def start_densities(module, rgb, one_hot):
    """Fit the density of y of a CodecModule without a hyperprior to what its analysis makes."""
    torch = import_torch()
    with torch.no_grad():
        _begin_scales(torch, module, module.parts["analysis"]({"rgb": rgb, "quality": one_hot})["y"])


def _begin_scales(torch, module, y):
    spread = torch.log2(y.square().mean((0, 2, 3)).sqrt().clamp(min=1e-3))
    if module.has_hyper:
        part = module.parts["hyper_synthesis"]
        source = next(entry.source for entry in part.description.outputs if entry.name == "scale")
        part.biases[source].copy_(spread)
    else:
        module.densities["y"][2] += spread[:, None] - 0.5


def _backbone(part):
    """Names of the convolutions that are in no residual block, in order."""
    layers = part.description.layers
    inside = {layer.inputs[1] for layer in layers if layer.op == "add"}
    inside |= {layer.inputs[0] for layer in layers if layer.name in inside}
    return [layer.name for layer in layers if layer.op in ("conv", "deconv") and layer.name not in inside]


def _components(torch, x, count):
    """(count, channels) orthonormal rows; where there are fewer channels, the rest is zero."""
    vectors = x.movedim(1, -1).reshape(-1, x.shape[1]).double()
    _, found = torch.linalg.eigh(vectors.T @ vectors)
    rows = torch.zeros(count, x.shape[1])
    best = found.flip(1).T[:count].float()
    rows[: len(best)] = best
    return rows
