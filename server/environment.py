"""Gathers settings from the environment and the file it names into one nested tree, each problem noted by its name.

``CROSSDOCK_ERP__URL`` is the setting ``url`` of the section ``erp``; ``CROSSDOCK_ERP__URL_FILE`` names a file that
holds it. The file of ``CROSSDOCK_CONFIG`` is TOML (``*.toml``, sections as tables) or a .env file with the same names;
the environment wins over it. An empty value is no value.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, DotEnvSettingsSource

PREFIX = "CROSSDOCK_"
CONFIG = f"{PREFIX}CONFIG"
SEPARATOR = "__"
FILE = "_FILE"


def variable(path: Sequence[str]) -> str:
    """The environment variable of a setting: ("erp", "url") is CROSSDOCK_ERP__URL."""
    return PREFIX + SEPARATOR.join(path).upper()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: the variable's name, and what to do about it."""

    name: str
    says: str

    def __str__(self) -> str:
        return f"{self.name}: {self.says}"


class Misconfigured(Exception):
    """The settings cannot be used; every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Settings as they were given: a tree of tables and values, not validated."""

    tree: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def lay(self, given: Mapping[str, Any]) -> None:
        """Lays variables over the tree, replacing what was there under the same name."""
        for name, value in given.items():
            if name + FILE in given:
                self.problems.append(Problem(name, f"is given twice; remove it or {name}{FILE}"))
            elif name.endswith(FILE):
                self._put(name, name.removesuffix(FILE), self._text(name, value))
            else:
                self._put(name, name, value)

    def _put(self, given_as: str, name: str, value: Any) -> None:
        *sections, key = name.removeprefix(PREFIX).lower().split(SEPARATOR)
        table: Any = self.tree
        for section in sections:
            table = table.setdefault(section, {}) if isinstance(table, dict) else None
        if not isinstance(table, dict) or isinstance(table.get(key), dict):
            self.problems.append(Problem(given_as, "is given both as a value and as a section; remove one"))
        elif value is not None:
            table[key] = value

    def _text(self, name: str, path: str) -> str | None:
        try:
            return Path(path).read_text(encoding="utf-8").removesuffix("\n")
        except OSError as error:
            self.problems.append(Problem(name, f"{path} cannot be read ({error.strerror}); name a readable file"))
        except ValueError:
            self.problems.append(Problem(name, f"{path} is not UTF-8 text"))
        return None

    def lay_file(self, path: Path) -> None:
        """Lays the file of CROSSDOCK_CONFIG over the tree."""
        self.lay(_given(self._config(path)))

    def _config(self, path: Path) -> dict[str, Any]:
        try:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".toml":
                return {variable(keys): value for keys, value in _leaves(tomllib.loads(text), ())}
            source = DotEnvSettingsSource(BaseSettings, env_file=path, env_file_encoding="utf-8", case_sensitive=True)
            return {name: value or "" for name, value in source.env_vars.items()}
        except OSError as error:
            problem = f"cannot be read ({error.strerror}); name a readable .toml or .env file"
        except ValueError as error:
            problem = f"cannot be understood: {error}"
        self.problems.append(Problem(CONFIG, f"{path} {problem}"))
        return {}


def gather(environ: Mapping[str, str]) -> Gathered:
    """Everything given, the environment laid over the file."""
    gathered = Gathered()
    if config := environ.get(CONFIG):
        gathered.lay_file(Path(config))
    gathered.lay(_given(environ))
    return gathered


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among ``values`` that have a value."""
    return {name: value for name, value in values.items() if name.startswith(PREFIX) and name != CONFIG and value != ""}


def _leaves(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value
