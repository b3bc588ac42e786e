"""Nets in files: loading checks everything that can be checked without running the net."""

import json

from nets import reference
from nets.container import InvalidNet, parse_json, read_file, write_file
from nets.graph import analyse
from nets.qnet import QNet, graph_json, parse_graph
from nets.run import known_answer


def with_answer(net):
    """The same net with its known answer; analysed first. Raises InvalidNet."""
    analyse(net)
    answer = known_answer(net, lambda inputs: reference.run(net, inputs))
    return QNet(net.inputs, net.layers, net.outputs, net.tensors, net.info, answer)


def save_net(path, net):
    """Write a net that has its known answer."""
    analyse(net)
    metadata = {"graph": graph_json(net), "answer": net.answer, "info": json.dumps(net.info, sort_keys=True)}
    write_file(path, metadata, net.tensors)


def load_net(path):
    """A net whose file is whole and which keeps every rule. Raises WeightsMissing (InvalidNet), LimitExceeded."""
    metadata, tensors = read_file(path)
    if set(metadata) != {"graph", "answer", "info"}:
        raise InvalidNet(f"{path}: not a net of pyenc: metadata {sorted(metadata)[:8]}")
    info = parse_json(metadata["info"], f"{path}: damaged net file, info")
    if not isinstance(info, dict) or not all(isinstance(text, str) for text in info.values()):
        raise InvalidNet(f"{path}: damaged net file, info is not a table of strings")
    inputs, layers, outputs = parse_graph(parse_json(metadata["graph"], f"{path}: damaged net file, graph"), path)
    net = QNet(inputs, layers, outputs, tensors, info, metadata["answer"])
    analyse(net)
    return net
