"""Words that came from elsewhere (a node, a maker, a file, an argument), made fit to print.

Owns: what may reach a terminal. Must not: change what is recorded or written as JSON.
"""

LONGEST_LINE = 1_000


def printable(text: str) -> str:
    """`text` on one line of bounded length, without characters that could drive a terminal."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text[: 4 * LONGEST_LINE].split()))
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
