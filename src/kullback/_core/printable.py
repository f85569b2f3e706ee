"""Text that is safe to print in a terminal: its control characters are shown as escapes."""

from __future__ import annotations

import re

# C0 and C1 controls, which move the cursor or change colours, titles and the clipboard; line and
# paragraph separators; and the characters that reverse the order in which text is shown. Lone
# surrogates cannot be encoded.
_CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_CONTROLS_IN_LINES = re.compile(_CONTROLS.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))


def printable(text: str, *, lines: bool = False) -> str:
    r"""Show the control characters of a text as escapes, such as ``\x1b``; keep all others.

    Args:
        text: names and values from a user's data, or a message that quotes them.
        lines: whether line breaks are kept.

    >>> print(printable("red\x1b[31m"), printable("naïve − 3·10⁻⁵"))
    red\x1b[31m naïve − 3·10⁻⁵
    """
    controls = _CONTROLS_IN_LINES if lines else _CONTROLS
    return controls.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    named = {0x09: r"\t", 0x0A: r"\n", 0x0D: r"\r"}
    return named.get(code, f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
