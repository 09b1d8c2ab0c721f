"""The head of a GGUF file: how long a prompt may be, and how much memory a token of it takes. Not the weights.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gammapygpt.errors import UserError

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9
LONGEST_TEXT = 1_000_000
BYTES_OF_A_NUMBER = 2
"""Of what llama.cpp keeps of each token: half precision."""


@dataclass(frozen=True)
class Head:
    """What matters of a model before it is loaded."""

    context: int
    """Longest prompt and reply together that the model was made for, in tokens; 0 where the file does not say."""
    token_bytes: int
    """Memory for each token of the context, in bytes; 0 where the file does not say."""


def read_head(path: Path) -> Head:
    """The head of a file.

    Raises
    ------
    UserError
        It cannot be read, or is no GGUF file.
    """
    try:
        with path.open("rb") as file:
            fields = _fields(file)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).", "Name another GGUF file.") from None
    except (struct.error, ValueError, KeyError):
        raise UserError(f"{path} is no GGUF file.", "Name a model in llama.cpp's format, *.gguf.") from None
    return _head(fields)


def _head(fields: dict[str, Any]) -> Head:
    def number(name: str) -> int:
        value = fields.get(f"{fields.get('general.architecture')}.{name}", 0)
        return max(value, default=0) if isinstance(value, list) else int(value)

    heads = number("attention.head_count")
    width = number("embedding_length") // heads if heads else 0
    key, value = number("attention.key_length") or width, number("attention.value_length") or width
    groups = number("attention.head_count_kv") or heads
    return Head(number("context_length"), number("block_count") * groups * (key + value) * BYTES_OF_A_NUMBER)


def _fields(file: BinaryIO) -> dict[str, Any]:
    """The key-value pairs up to the vocabulary, which comes last and is large."""
    if file.read(4) != b"GGUF":
        raise ValueError("magic")
    _, _, n_fields = struct.unpack("<IQQ", file.read(20))
    fields: dict[str, Any] = {}
    for _ in range(n_fields):
        key = _text(file)
        if key.startswith("tokenizer."):
            break
        fields[key] = _value(file, _scalar(file, "<I"))
    return fields


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == STRING:
        return _text(file)
    if kind == ARRAY:
        of, length = struct.unpack("<IQ", file.read(12))
        if length > LONGEST_TEXT:
            raise ValueError("length")
        return [_value(file, of) for _ in range(length)]
    return _scalar(file, SCALARS[kind])


def _scalar(file: BinaryIO, form: str) -> Any:
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]


def _text(file: BinaryIO) -> str:
    length = _scalar(file, "<Q")
    if length > LONGEST_TEXT:
        raise ValueError("length")
    return file.read(length).decode("utf-8", "replace")
