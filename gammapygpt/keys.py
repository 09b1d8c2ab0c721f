"""Keys of servers: read where they are used, by the name of a variable or a file; known again where none belongs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import SecretStr

from gammapygpt.errors import UserError

if TYPE_CHECKING:
    from gammapygpt.settings import Settings
    from gammapygpt.state import Answer

SHORTEST = 8
"""Shorter values are placeholders such as `EMPTY`; taking those out of texts would damage scripts."""
MASK = "[key]"
SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|glpat|xox[abps]|nvapi|pypi)-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}"
    r"|(?:hf|gh[opsu]|gsk|r8)_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|AKIA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+)"
)
"""Keys that their own form gives away: OpenAI, GitLab (so Helmholtz Codebase), Slack, Hugging Face, GitHub, AWS, ..."""
PASSWORD = re.compile(r"(\w+://)[^\s/:@\"'<>\\]*:[^\s/@\"'<>\\]*@")
"""Of a web address, with the user before it."""
HOLDS_A_KEY = re.compile(r"(?:.*_)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE)(?:_ID)?|PGPASSWORD", re.IGNORECASE)
"""Names of environment variables whose value is nobody's business."""


def read_key(variable: str, file: str, whose: str) -> SecretStr:
    """The key out of the environment, or the first line of a file; empty where neither is named.

    Parameters
    ----------
    variable, file : str
        Name of the variable, path of the file; at most one of them.
    whose : str
        For messages: `Backend 'farm'`.

    Raises
    ------
    UserError
        The variable is not set, the file cannot be read or can be read by others, or what is there fits no header.
    """
    if file:
        return _sendable(_first_line(Path(file).expanduser(), whose), f"The key file {file}", f"Write {file} again")
    if not variable:
        return SecretStr("")
    key = SecretStr(os.environ.get(variable, "").strip())
    if not key:
        raise UserError(f"{whose} needs its key in {variable}, which is not set.", f"export {variable}=...")
    return _sendable(key, variable, f"Set {variable} again")


def _first_line(file: Path, whose: str) -> SecretStr:
    try:
        if file.stat().st_uid == os.getuid() and file.stat().st_mode & 0o007:  # another owner's is not ours to shut
            raise UserError(f"The key file {file} of {whose.lower()} can be read by others.", f"chmod 600 {file}")
        with file.open(encoding="utf-8", errors="replace") as opened:
            key = SecretStr(opened.readline(4096).strip())
    except OSError as error:
        raise UserError(
            f"{whose} needs its key in the file {file}, which cannot be read ({error.strerror}).",
            "Write the key into its first line, and `chmod 600` it.",
        ) from None
    if not key:
        raise UserError(f"The first line of the key file {file} is empty.", "Write the key there.")
    return key


def _sendable(key: SecretStr, where: str, remedy: str) -> SecretStr:
    text = key.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise UserError(f"{where} does not hold a key that can be sent.", f"{remedy}, without quotes.")
    return key


def redacted(text: str, key: SecretStr) -> str:
    """The text without the key, should a server echo it: as it is, or as an address or JSON writes it."""
    for form in forms(key):
        text = text.replace(form, MASK)
    return text


def forms(key: SecretStr) -> list[str]:
    """What a key looks like in texts, the longest first; nothing for a placeholder."""
    plain = key.get_secret_value()
    if len(plain) < SHORTEST:
        return []
    written = {plain, quote(plain, safe=""), json.dumps(plain)[1:-1], plain.replace("/", r"\/")}
    return sorted(written, key=len, reverse=True)


def without_keys(text: str, settings: Settings) -> str:
    """What a user wrote, without the keys that are known here or that give themselves away, and without passwords."""
    for key in known(settings):
        text = redacted(text, key)
    return PASSWORD.sub(rf"\1{MASK}@", SHAPES.sub(MASK, text))


def answer_without_keys(answer: Answer, settings: Settings) -> Answer:
    """The same of what a user answers: reasons, edited plans and scripts."""
    return answer.model_validate_json(without_keys(answer.model_dump_json(), settings))


def known(settings: Settings) -> Iterator[SecretStr]:
    """The keys that the settings name, and what the environment has beside them under a telling name."""
    variables = {settings.retrieval.store_key_env, settings.runs.password_env}
    files = {settings.retrieval.store_key_file}
    for backend in settings.backends.values():
        variables.add(backend.api_key_env)
        files.add(backend.api_key_file)
    variables |= {name for name in os.environ if HOLDS_A_KEY.fullmatch(name)}
    yield from (SecretStr(os.environ.get(name, "").strip()) for name in variables if name)
    for file in files:
        try:
            if file:
                yield _first_line(Path(file).expanduser(), "Backend")
        except UserError:  # whoever needs it will say so
            continue


def looks_like_key(value: str) -> bool:
    """Whether a value of the settings is a key rather than a name or a place: by its form, or random as a whole."""
    if SHAPES.search(value):
        return True
    long = re.findall(r"[A-Za-z0-9]{24,}", value if "/" not in value else "")
    return any(len(re.findall(r"[A-Za-z](?=\d)|\d(?=[A-Za-z])", run)) >= 4 for run in long)


def keyless(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process that asks no server: without what may be a key."""
    return {name: value for name, value in environ.items() if not HOLDS_A_KEY.fullmatch(name)}
