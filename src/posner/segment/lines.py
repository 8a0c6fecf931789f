"""What parts lines and paragraphs, in one place."""

from __future__ import annotations

import re

LINE_BREAK = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""One line break; the two characters of Windows are one."""

BLANK_LINE = re.compile(r"(?:\r\n|\n|\r(?!\n))\s*?(?:\r\n|[\n\r])|\u2029")
"""A line with nothing on it, or a paragraph separator: nothing before it tells of what follows."""
