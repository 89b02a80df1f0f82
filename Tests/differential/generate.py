"""Makes a history from a seed: commands of all families, some of them spoiled, over some connections."""

import dataclasses
import importlib
import os
import pkgutil
import random

from history import Step
from values import Values

HERE = os.path.dirname(os.path.abspath(__file__))


def families():
    """The modules in families/, by name. Each has COMMANDS: name → a function from `Values` to arguments."""
    names = sorted(info.name for info in pkgutil.iter_modules([os.path.join(HERE, "families")]))
    return {name: importlib.import_module("families." + name) for name in names}


class Generator:
    """`has(name)` tells whether kvd knows a command ("get") or a subcommand ("client|id")."""

    def __init__(self, has, only=()):
        self.has = has
        self.families = {}
        for name, module in families().items():
            needs = getattr(module, "NEEDS", {})
            commands = {
                command: make for command, make in module.COMMANDS.items()
                if has(command.lower().replace(" ", "|")) and has(needs.get(command, "ping"))
            }
            if commands and (not only or name in only):
                self.families[name] = module, commands

    def history(self, seed):
        """The same seed makes the same history for as long as kvd has the same commands."""
        return _History(self, random.Random(seed)).steps()


class _History:
    def __init__(self, generator, chance):
        self.generator = generator
        self.chance = chance
        self.values = Values(chance, generator.has)
        names = list(generator.families)
        if chance.random() < 0.4:
            names = chance.sample(names, min(len(names), chance.choice((1, 2))))
        self.names = names
        self.weights = [getattr(generator.families[name][0], "WEIGHT", 10) for name in names]
        self.connections = range(chance.choice((1, 1, 1, 2, 3)))
        self.result = []
        self.in_transaction = set()

    def steps(self):
        for connection in self.connections:
            if self.generator.has("hello") and self.chance.random() < 0.5:
                self.result.append(Step(connection, (b"HELLO", b"3")))
        length = self.chance.choice((20, 60, 150))
        while len(self.result) < length:
            connection = self.chance.choice(self.connections)
            if self.generator.has("multi") and self.chance.random() < 0.05:
                self._transaction(connection)
            else:
                self._several(connection)
        return self.result

    def _several(self, connection):
        together = self.chance.random() < 0.3
        for _ in range(self.chance.randint(2, 16) if together else 1):
            self._one(connection, joined=together)

    def _transaction(self, connection):
        if self.chance.random() < 0.4:
            self._add(connection, ["WATCH", self.values.key()])
            if self.chance.random() < 0.5:
                self._one(self.chance.choice(self.connections))
        joined = self.chance.random() < 0.4
        self._add(connection, ["MULTI"], joined=joined)
        for _ in range(self.chance.randint(0, 6)):
            other = self.chance.choice(self.connections) if self.chance.random() < 0.1 else connection
            self._one(other, joined=joined)
        if self.chance.random() < 0.9:
            self._add(connection, [self.chance.choices(("EXEC", "DISCARD"), (9, 1))[0]], joined=joined)

    def _one(self, connection, joined=False):
        family = self.chance.choices(self.names, self.weights)[0]
        module, commands = self.generator.families[family]
        name = self.chance.choice(list(commands))
        if connection in self.in_transaction and name in getattr(module, "NOT_QUEUED", ()):
            return
        made = commands[name](self.values)
        for made in made if isinstance(made, Several) else [made]:
            self._place(module, name, made, connection, joined)

    def _place(self, module, name, made, connection, joined):
        if isinstance(made, Step):
            if made.cursor_at and connection in self.in_transaction:
                return  # Only replies tell cursors.
            self.result.append(dataclasses.replace(made, connection=connection if made.raw is None else 9))
            return
        arguments = list(made)
        if name not in getattr(module, "UNSPOILED", ()) and self.chance.random() < 0.12:
            arguments = self._spoiled(arguments)
            if any(isinstance(argument, bytes) and len(argument) > 500 for argument in arguments):
                return
        encoded = self._encoded(arguments)
        if getattr(module, "allowed", lambda arguments: True)(encoded):
            self._append(connection, encoded, joined, getattr(made, "pause_milliseconds", 0))

    def _add(self, connection, arguments, joined=False):
        self._append(connection, self._encoded(arguments), joined, 0)

    def _append(self, connection, encoded, joined, pause):
        if encoded[0].upper() == b"MULTI":
            self.in_transaction.add(connection)
        elif encoded[0].upper() in (b"EXEC", b"DISCARD", b"RESET", b"QUIT") and len(encoded) == 1:
            self.in_transaction.discard(connection)
        self.result.append(Step(connection, encoded, joined=joined, pause_milliseconds=pause))

    def _encoded(self, arguments):
        """Words, which are `str`, may be in any case; bytes are sent as they are."""
        return tuple(map(self._encode, arguments))

    def _encode(self, argument):
        if isinstance(argument, bytes):
            return argument
        if isinstance(argument, int):
            return b"%d" % argument
        if self.chance.random() < 0.2:
            argument = "".join(
                letter.lower() if self.chance.random() < 0.5 else letter for letter in argument)
        return argument.encode()

    def _spoiled(self, arguments):
        """The same, but for something that is odd or wrong."""
        way = self.chance.randrange(6)
        at = self.chance.randrange(1, len(arguments)) if len(arguments) > 1 else 0
        if way == 0 and at:
            del arguments[at]
        elif way == 1:
            arguments.append(self.values.odd())
        elif way == 2 and at:
            arguments[at] = self.values.odd()
        elif way == 3 and at:
            arguments.insert(at, arguments[at])
        elif way == 4:
            del arguments[self.chance.randint(1, len(arguments)):]
        else:
            arguments.insert(max(at, 1), self.values.odd())
        return arguments


class Several(list):
    """Several commands that belong behind one another."""
