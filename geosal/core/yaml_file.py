"""Read a YAML file of options: one mapping, small, without aliases and without a key that stands twice.

A module of its own, because most jobs have no such file and PyYAML takes a moment to import.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from geosal.errors import SceneError, UsageError
from geosal.files.atomic import open_plain

_LARGEST_FILE = 2**16
"""Limit of a YAML file of options, in bytes: the longest recipes have a few thousand."""

_LARGEST_NUMBER = 2**64


class _Loader(yaml.SafeLoader):
    """Loader of YAML without aliases, which no recipe needs and which can grow without bound; keys are unique."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not taken in a recipe")
        return super().compose_node(parent, index)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        number = super().construct_yaml_int(node)
        if abs(number) > _LARGEST_NUMBER:  # Python writes no message with one of thousands of digits
            raise yaml.YAMLError(f"a whole number of {number.bit_length()} bits")
        return int(number)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        if twice := next((key for key, times in keys.items() if times > 1), None):
            raise yaml.YAMLError(f"{twice} stands twice in it; give it once")
        return super().construct_mapping(node, deep)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping."""
    try:
        with open_plain(path) as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise UsageError(f"{path}: over {_LARGEST_FILE} bytes is no recipe; name a YAML file of options")
        options = yaml.load(content, Loader=_Loader)  # noqa: S506  a SafeLoader
    except OSError as error:
        raise SceneError(f"{path}: the recipe cannot be read: {error.strerror}; name a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"{path}: no valid YAML: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(options, dict):
        raise UsageError(f"{path}: a recipe is a mapping of options, this is {type(options).__name__}")
    return options
