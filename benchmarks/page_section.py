"""A section of a page that a script writes, between others that stay."""

from __future__ import annotations

from pathlib import Path


def write_section(page: Path, heading: str, text: str) -> None:
    """Replace the section with this heading by a text that begins with it, or append it."""
    before, _, after = page.read_text(encoding="utf-8").partition(heading)
    rest = after.partition("\n## ")[2]
    others = f"\n## {rest}" if rest else ""
    page.write_text(f"{before.rstrip()}\n\n{text}{others}", encoding="utf-8")
