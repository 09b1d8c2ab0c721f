"""The settings file: where it is, what it holds in which line, how it is written. Not what may stand in it."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gammapygpt.errors import UserError

Key = tuple[str, ...]

_TOKEN = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}=,\n]|[^\s\[\]{}=,#"\']+|[ \t\r]+')
_TRIPLE = {
    '"""': re.compile(r'(?:\\.|[^\\])*?"""(?!")', re.DOTALL),
    "'''": re.compile(r"(?:.)*?'''(?!')", re.DOTALL),
}


class SettingsFile(NamedTuple):
    """A settings file as read."""

    path: Path
    text: str
    values: dict[str, Any]
    lines: dict[Key, int]
    """Line of every table header and key, from 1."""

    @property
    def shown(self) -> str:
        """The path as a user would write it."""
        return shown(self.path)


def shown(path: Path) -> str:
    """A path with `~` for the home folder."""
    home = str(Path.home())
    text = str(path)
    return "~" + text[len(home) :] if text.startswith(home + os.sep) else text


def default_path() -> Path:
    """Where the settings file of this user lives on this platform."""
    import platformdirs

    return Path(platformdirs.user_config_dir("gammapygpt")) / "config.toml"


def chosen_path(config: Path | None, environ: Mapping[str, str]) -> Path:
    """The file that `--config`, else GAMMAPYGPT_CONFIG, else the platform names; it need not exist."""
    if config is not None:
        return config.expanduser()
    if named := environ.get("GAMMAPYGPT_CONFIG"):
        return Path(named).expanduser()
    return default_path()


def read_chosen(config: Path | None, environ: Mapping[str, str]) -> SettingsFile | None:
    """The settings file, or None when nobody named one and there is none in the usual place.

    Raises
    ------
    UserError
        A file that was named does not exist, or the file cannot be read or is not TOML.
    """
    path = chosen_path(config, environ)
    if path.exists():
        return read(path)
    if config is not None:
        raise UserError(
            f"there is no settings file {shown(path)}.", "`gammapygpt config init --config FILE` writes one."
        )
    if environ.get("GAMMAPYGPT_CONFIG"):
        raise UserError(f"environment variable GAMMAPYGPT_CONFIG: there is no settings file {shown(path)}.")
    return None


def read(path: Path) -> SettingsFile:
    """Read one file; raises `UserError` with its name (and line) when that fails."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{shown(path)}: is not text in UTF-8.") from error
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be read ({error.strerror}).") from error
    return parse(path, text)


def parse(path: Path, text: str) -> SettingsFile:
    """The values and lines of the text of a settings file."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, line = _without_position(str(error), text)
        raise UserError(f"{shown(path)}:{line}: not valid TOML: {what}.") from error
    return SettingsFile(path, text, values, key_lines(text))


def _without_position(message: str, text: str) -> tuple[str, int]:
    """tomllib's message without its position, and the line."""
    what, _, position = message.partition(" (at ")
    found = re.search(r"line (\d+)", position)
    line = int(found.group(1)) if found else len(text.rstrip().splitlines()) or 1
    if duplicate := re.search(r"Cannot overwrite a value", what):
        what = what.replace(duplicate.group(), "the key is already there, or is a table elsewhere")
    elif twice := re.search(r"Cannot declare \((.*?),?\) twice", what):
        what = f"the table [{twice.group(1).replace(', ', '.').replace(chr(39), '')}] is already there"
    return what[:1].lower() + what[1:], line


def key_lines(text: str) -> dict[Key, int]:
    """Line of every table header and key of a valid TOML text (the parser of the standard library does not tell)."""
    lines: dict[Key, int] = {}
    table: Key = ()
    for line, statement in _statements(text):
        if statement.startswith("["):
            table = found = split_key(statement.strip("[] \t\r"))
        else:
            found = table + split_key(statement)
        for length in range(1, len(found) + 1):
            lines.setdefault(found[:length], line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header, and each key (with that of the inline table around it), with its line."""
    line, head, key, started = 1, "", "", 1
    around: list[str] = []  # for each open bracket of a value: the key of the inline table, or "" for an array
    in_value = False
    for piece, newlines in _pieces(text):
        if piece == "\n" and not around:
            if head.strip() and not in_value:
                yield started, head.strip()
            head, in_value = "", False
        elif piece == "=":
            outer = [f"{around[-1]}."] if around else []
            key = "".join([*outer, head.strip()])
            yield started, key
            head, in_value = "", True
        elif in_value and piece in "[{":
            around.append(key if piece == "{" else "")
            head, in_value = "", piece == "["
        elif around and piece in "]}":
            around.pop()
            in_value = True
        elif around and piece == ",":
            head, in_value = "", not around[-1]
        elif not in_value and not piece.startswith("#"):
            started = started if head.strip() else line
            head += piece
        line += newlines
    if head.strip() and not in_value:
        yield started, head.strip()


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """The tokens of a TOML text and the number of lines that each one ends; texts in triple quotes are one token."""
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        end = token.end() if token else position + 1
        if token and token.group() in _TRIPLE:
            closed = _TRIPLE[token.group()].match(text, end)
            end = closed.end() if closed else len(text)
        piece = text[position:end]
        yield piece, piece.count("\n")
        position = end


def split_key(dotted: str) -> Key:
    """The parts of a dotted key, which may be quoted as in TOML: `backends."my.server".model`.

    Raises
    ------
    UserError
        It is not a key.
    """
    try:
        node: Any = tomllib.loads(f"{dotted} = 0") if "\n" not in dotted else None
    except tomllib.TOMLDecodeError:
        node = None
    parts: list[str] = []
    while isinstance(node, dict) and len(node) == 1:
        part, node = next(iter(node.items()))
        parts.append(part)
    if not parts or node != 0:
        raise UserError(f"{dotted!r} is not a key.", "Write it with dots, as in sandbox.wall_s.")
    return tuple(parts)


def dotted(key: Iterable[str]) -> str:
    """A key as TOML writes it."""
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"' for part in key)


def closest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing when none of the known words resembles it."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"; did you mean {near[0]!r}?" if near else ""


def template() -> str:
    """The commented settings file that `config init` writes, with the presets of the usual servers."""
    from importlib.resources import files

    return (files("gammapygpt") / "presets.toml").read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    """Write a settings file as a whole or not at all, readable by its owner alone.

    Raises
    ------
    UserError
        The folder or the file cannot be written.
    """
    path = path.resolve()  # a link (dotfiles in a repository) stays a link
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be written ({error.strerror}).") from error
