"""Inputs that nobody would send by accident: JSON with one thing wrong in it, and bytes that are no JSON at all."""

import json
import random
import string

TOKENS = (
    "null", "true", "false", "0", "-0", "-1", "1", "3.0", "0.1", "1e3", "1e400", "-1e400", "1e-400",
    "1e99999999999999999999999", "0e99999999999999999999", "2147483648", "-2147483649", "9007199254740993",
    "9223372036854775808", "-9223372036854775809", "99999999999999999999999999999999", "9" * 60, "9" * 4300, "9" * 4301,
    "0." + "9" * 400, "NaN", "Infinity", "-Infinity", "[]", "{}", "[[]]", "[null]", "[{}]", '{"id":null}', '[{"id":[]}]',
    '""', '" "', '"0"', '"-1"', '"1_000"', '"1e99999999999999999999"', '"NaN"', '"sNaN"', '"Infinity"', '"1e400"', '"\\u0661"',
    '"\\ud800"', '"\\udfff\\ud800"', '"a\\u0000b"', '"\\u202egpj.exe"', '"=cmd|\'/c calc\'!A1"', '"\\ufeff"', '"' + "x" * 192 + '"',
    '"' + "x" * 5000 + '"', '"<script>alert(1)</script>"', '"\'; drop table delivery; --"', '"../../etc/passwd"', '"http://["',
    '"https://10.0.0.1/"', '"file:///etc/passwd"', '"//evil.example"', '"2026-11-21T10:00:00Z"', '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59-14:00"', '"2026-02-30T00:00:00Z"', '"2026-11-21 10:00:00"', '"0000-00-00 00:00:00"',
    '"gid://shopify/ProductVariant/1"', '"gid://shopify/Order/' + "9" * 300 + '"', '"gid://shopify/Order/\\u0661"', '"trash"', '"updated"',
)  # fmt: skip
"""Values that break those who did not think of them, as JSON text."""

BYTES = (
    b"\x00", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\\", b'"', b"{", b"}", b"[", b"]", b",",
    b":", b"=", b"&", b"%", b"%00", b"%ff", b"%ud800", b";", b"..", b"//", b"//[", b"[" * 2000, b'{"a":' * 2000, b"9" * 5000, b"e999999999",
    b"\xf0\x9f\x92\xa9", b"+2AA-", b"\x1f\x8b\x08",
)  # fmt: skip

_MARK = "\u2063raw\u2063"


def deep(depth: int, kind: str = "[") -> bytes:
    """JSON of this depth; `kind` "[" or "{"."""
    opening, closing = ("[", "]") if kind == "[" else ('{"a":', "}")
    return (opening * depth + "1" + closing * depth).encode()


def mutated(rng: random.Random, sample: bytes) -> bytes:
    """The sample with something wrong in it."""
    if rng.random() < 0.75:
        try:
            document = json.loads(sample)
        except (ValueError, RecursionError):
            pass
        else:
            return _written(rng, _changed(rng, document))
    return scrambled(rng, sample)


def scrambled(rng: random.Random, sample: bytes) -> bytes:
    """The sample with bytes changed, lost, doubled or put in."""
    out = bytearray(sample)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(6):
            case 0 if out:
                out[min(at, len(out) - 1)] = rng.randrange(256)
            case 1:
                del out[at : at + rng.choice((1, 2, 8, 64))]
            case 2:
                out[at:at] = rng.choice(BYTES)
            case 3:
                out[at:at] = out[at : at + rng.choice((1, 8, 64))]
            case 4:
                del out[at:]
            case _:
                out[at:at] = rng.choice(TOKENS).encode()
    return bytes(out)


def word(rng: random.Random) -> str:
    """A short text for a header, a query or a form: mostly plain, sometimes vile. Latin-1 only where asked of bytes."""
    kind = rng.random()
    if kind < 0.3:
        return "".join(rng.choices(string.ascii_letters + string.digits + "-_/.", k=rng.randrange(20)))
    if kind < 0.6:
        token = json.loads(text) if (text := rng.choice(TOKENS)).startswith('"') else text
        return str(token)
    return scrambled(rng, rng.choice((b"", b"abc", b"/app/stock", b"eyJ.a.b", b"v1,AAAA", b"1"))).decode("latin-1")


def _changed(rng: random.Random, document: object) -> object:
    """A copy in which one place, or a few, hold something else."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(document))
        if not places:
            return f"{_MARK}{rng.choice(TOKENS)}"
        holder, key = rng.choice(places)
        _change(rng, holder, key, places)
    return document


def _change(rng: random.Random, holder: object, key: object, places: list[tuple[object, object]]) -> None:
    match rng.randrange(8):
        case 0:
            del holder[key]
        case 1:
            other, name = rng.choice(places)
            holder[key] = json.loads(json.dumps(other[name]))
        case 2 if isinstance(holder, list):
            holder.append(json.loads(json.dumps(holder[key])))
        case 3 if isinstance(holder, dict):
            holder[str(json.loads(rng.choice(['"id"', '"\\ud800"', '"\\u0000"', '""'])))] = holder[key]
        case 4:
            holder[key] = (
                _MARK
                + deep(rng.choice((5, 100, 990, 100_000 if rng.random() < 0.02 else 3000)), rng.choice("[{")).decode()
            )
        case 5:
            holder[key] = [holder[key]]
        case _:
            holder[key] = f"{_MARK}{rng.choice(TOKENS)}"


def _places(document: object, depth: int = 0):
    if depth > 40 or not isinstance(document, dict | list):
        return
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        yield document, key
        if isinstance(value, dict | list):
            yield from _places(value, depth + 1)


def _written(rng: random.Random, document: object) -> bytes:
    """As JSON; what is marked as raw stands in it as it is. Rarely with a key twice."""
    text = json.dumps(document)
    mark = json.dumps(_MARK)[1:-1]
    while (at := text.find(f'"{mark}')) >= 0:
        end = at + 1
        while text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        text = text[:at] + json.loads(text[at : end + 1])[len(_MARK) :] + text[end + 1 :]
    if rng.random() < 0.05 and text.startswith("{") and len(text) > 2:
        text = f'{{"id":{rng.choice(TOKENS)},{text[1:]}'
    return text.encode("utf-8", "surrogatepass")
