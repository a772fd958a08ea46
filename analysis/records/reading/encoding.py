"""The text of a file, whatever wrote it: UTF-8, UTF-16 or Latin-1, packed by gzip or not, any end of line."""

import gzip
import re
import zlib
from io import BytesIO

__all__ = ["GZIP", "as_text", "decoded", "unpacked"]

GZIP = b"\x1f\x8b"
_PACKED = {b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
# what gzip can make of a byte at most, and what no record in text is larger than
_MOST_BYTES = 2**34
# a micro sign, a degree sign and the like in a heading: printable characters of Latin-1 that are not letters
_LATIN = re.compile(rb"[\xa0-\xff]")


def unpacked(data: bytes) -> bytes:
    """The bytes of a file, of what it holds if it is packed by gzip.

    Raises ValueError for a file that is damaged, and for one packed in another way.
    """
    for magic, name in _PACKED.items():
        if data.startswith(magic):
            raise ValueError(f"the file is packed by {name}, which is not read: unpack it, or pack it by gzip")
    if not data.startswith(GZIP):
        return data
    try:
        with gzip.open(BytesIO(data)) as file:
            found = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot be unpacked by gzip: {error}") from None
    if len(found) > _MOST_BYTES:
        raise ValueError(f"holds more than {_MOST_BYTES:.3g} bytes when it is unpacked")
    return found


def as_text(data: bytes) -> bytes:
    r"""The text in a file, as UTF-8 without a mark of byte order, every line ended by ``\n``.

    Raises ValueError for bytes that are no text in UTF-8, UTF-16 with a mark of byte order, or Latin-1.
    """
    text = decoded(data)
    if not text.strip():
        raise ValueError("the file is empty")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text if text.endswith(b"\n") else text + b"\n"


def decoded(data: bytes) -> bytes:
    """The same text as UTF-8 without a mark of byte order. Raises ValueError as ``as_text`` does."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError:
            raise ValueError("has the mark of UTF-16, and is not text in UTF-16") from None
    text = data.removeprefix(b"\xef\xbb\xbf")
    try:
        # a check alone, which for ASCII costs nothing
        text.decode()
    except UnicodeDecodeError as error:
        return _latin(text, error)
    return text


def _latin(text: bytes, error: UnicodeDecodeError) -> bytes:
    """Text in Latin-1, if what is not ASCII is printable and stands where no numbers do."""
    place = error.start
    for line in text.replace(b"\r", b"\n").split(b"\n"):
        strange = line if line.isascii() else _LATIN.sub(b"", line)
        if not strange.isascii() or (strange is not line and not re.search(rb"[A-Za-z#%]", line)):
            break
        if b"\0" in line:
            break
    else:
        return text.decode("latin-1").encode()
    raise ValueError(f"neither netCDF nor text in UTF-8: byte {text[place]:#04x} at position {place}")
