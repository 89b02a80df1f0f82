"""A history: what is sent over which connection, in which order, and how a person sends it again."""

import dataclasses

import wire


@dataclasses.dataclass(frozen=True)
class Step:
    """One request, or bytes that may not be one."""

    connection: int
    arguments: tuple = ()
    # Bytes sent as they are over a connection of their own, which is closed afterwards.
    raw: bytes = None
    # Sent together with the step before it, without waiting for that one's reply.
    joined: bool = False
    # Waited after the reply, or after that of EXEC if the step was queued.
    pause_milliseconds: int = 0
    # SCAN and its like: called again with the cursor they return until that is 0.
    cursor_at: int = None

    def words(self):
        """The first words in capitals, by which commands and their subcommands are told apart."""
        if self.raw is not None:
            return ("RAW",)
        return tuple(
            argument.upper().decode("latin-1") for argument in self.arguments[:2])

    def __str__(self):
        if self.raw is not None:
            return repr(self.raw if len(self.raw) < 400 else self.raw[:400] + b"...")
        text = " ".join(wire.quoted(argument) for argument in self.arguments)
        return text if len(text) < 2000 else text[:2000] + " ..."


def script(steps):
    """A shell script that sends the history to the server on the port it is given."""
    connections = sorted({step.connection for step in steps if step.raw is None})
    lines = ["#!/usr/bin/env bash", "# usage: bash SCRIPT PORT"]
    if any(step.joined for step in steps):
        lines.append("# Lines marked with a | were sent together with the one before.")
    for connection in connections:
        lines.append(f'exec {{c{connection}}}> >(redis-cli -p "$1" | sed "s/^/{connection}: /")')
    lines.append('say() { printf "%s\\n" "$2" >&"$1"; sleep 0.05; }')
    for step in steps:
        if step.raw is not None:
            octal = "".join(f"\\{byte:03o}" for byte in step.raw)
            lines.append(f"exec 9<>/dev/tcp/127.0.0.1/$1; printf '{octal}' >&9; timeout 0.3 cat <&9")
            continue
        command = str(step).replace("'", "'\\''")
        mark = "  # |" if step.joined else ""
        lines.append(f'say "$c{step.connection}" \'{command}\'{mark}')
        if step.cursor_at is not None:
            lines.append(f"# ... and again with the cursor returned, until it is 0")
        if step.pause_milliseconds:
            lines.append(f"sleep {step.pause_milliseconds / 1000}")
    return "\n".join(lines)
