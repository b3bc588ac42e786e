"""From pybd's arguments to an anchor and its tests."""

from pathlib import Path

from cli.measure.compare import Group
from cli.measure.logs import name_without_qp, read_points
from codec.base.errors import InputError, UsageError

_KINDS = (".log", ".json", ".csv")


def groups_of(names, count, anchor=None, config=None):
    """[anchor Group, test Group, ...] from files and folders.

    Each table of points is a side of its own. Logs and JSON in different folders are sides by folder; in one folder, by
    name without the QP. If all is one side, its configurations are the sides. anchor: name of the side that goes first;
    config: the only configuration that is used.
    """
    files = [file for name in names for file in _expand(name)]
    single, tables = [], []
    for file in files:
        points = read_points(file, count)
        (tables if len(points) > 1 or points[0].config else single).append((file, points))
    groups = [Group(str(file), points) for file, points in tables] + _by_name(single)
    groups.sort(key=lambda group: _first_place(group, files))
    if config is not None:
        groups = [Group(group.name, [p for p in group.points if p.config == config]) for group in groups]
        empty = [group.name for group in groups if not group.points]
        if empty:
            raise UsageError(f"{empty[0]} has no configuration {config}")
    if len(groups) == 1:
        groups = _by_config(groups[0])
    return _anchor_first(groups, anchor)


def _expand(name):
    path = Path(name)
    if not path.is_dir():
        return [name]
    for kind in _KINDS:
        found = sorted(str(file) for file in path.iterdir() if file.suffix.lower() == kind)
        if found:
            return found
    raise InputError(f"{name}: the folder has no {', '.join(_KINDS)} file")


def _by_name(single):
    folders = {str(Path(file).parent) for file, _ in single}
    sides = {}
    for file, points in single:
        side = str(Path(file).parent) if len(folders) > 1 else name_without_qp(file)[0]
        sides.setdefault(side, []).extend(points)
    return [Group(side, points) for side, points in sides.items()]


def _first_place(group, files):
    """Where on the command line a side begins."""
    sources = {point.source.rsplit(":", 1)[0] for point in group.points} | {point.source for point in group.points}
    return min(place for place, file in enumerate(files) if str(file) in sources)


def _by_config(group):
    sides = {}
    for point in group.points:
        sides.setdefault(point.config, []).append(point)
    if len(sides) < 2:
        raise UsageError(f"only one side is given ({group.name}): an anchor and a test are needed")
    return [Group(side, points) for side, points in sides.items()]


def _anchor_first(groups, anchor):
    if anchor is None:
        return groups
    chosen = [group for group in groups if anchor in (group.name, Path(group.name).name)]
    if len(chosen) != 1:
        raise UsageError(f"no side is called {anchor}: there are {', '.join(group.name for group in groups)}")
    return chosen + [group for group in groups if group is not chosen[0]]
