"""A file system as a disk may have it after power was lost.

Every file knows what is certain to be there, and what was written since its last sync. A crash keeps,
drops or tears each of the latter. Names live in folders, which are synced on their own: a sync of a file
says nothing about its name. What was done with each write is asked of a `choices` (choices.py), under a key
that tells it again in another image of the same trace.
"""
import os

SECTOR = 512


class File:
    """Bytes that are durable, and writes that are not, in their order."""

    def __init__(self):
        self.durable = bytearray()
        self.pending = []  # (start, end, kind, offset, data or length)
        self.size = 0  # as the process sees it

    def apply(self, content, kind, offset, what):
        if kind == "size":
            if len(content) > what:
                del content[what:]
            else:
                content.extend(bytes(what - len(content)))
            return
        end = offset + len(what)
        if len(content) < end:
            content.extend(bytes(end - len(content)))
        content[offset:end] = what

    def change(self, event, kind, offset, what, is_durable=False):
        self.size = what if kind == "size" else max(self.size, offset + len(what))
        if not is_durable:
            self.pending.append((event.start, event.end, kind, offset, what))
            return
        # What was pending may still be lost, but never comes out above what is durable now.
        end = offset + len(what)
        self.pending = [entry for entry in self.pending for entry in cut(entry, offset, end)]
        self.apply(self.durable, kind, offset, what)

    def sync(self, event):
        """Whatever had ended when the sync began is durable. A later one stays open."""
        rest = []
        for entry in self.pending:
            if entry[1] <= event.start:
                self.apply(self.durable, *entry[2:])
            else:
                rest.append(entry)
        self.pending = rest

    def image(self, path, time, choices):
        """The bytes after a crash at `time`."""
        content = bytearray(self.durable)
        for start, end, kind, offset, what in self.pending:
            if start >= time:
                continue
            key = (path, kind, start, offset, what if kind == "size" else len(what))
            if kind == "size" or not choices.tears(key):
                if choices.keeps(key):
                    self.apply(content, kind, offset, what)
                continue
            # Which sectors came through, and whether the length was written for those that did not.
            for first in range(offset - offset % SECTOR, offset + len(what), SECTOR):
                low, high = max(first, offset), min(first + SECTOR, offset + len(what))
                if choices.keeps(key, low, high):
                    self.apply(content, kind, low, what[low - offset : high - offset])
                elif choices.keeps(key, low, high, "length") and len(content) < high:
                    content.extend(bytes(high - len(content)))
        return content


def cut(entry, low, high):
    """What is left of a pending write outside low..<high."""
    start, end, kind, offset, what = entry
    if kind == "size" or offset >= high or offset + len(what) <= low:
        return [entry]
    parts = []
    if offset < low:
        parts.append((start, end, kind, offset, what[: low - offset]))
    if offset + len(what) > high:
        parts.append((start, end, kind, high, what[high - offset :]))
    return parts


class Folder:
    def __init__(self):
        self.durable = {}  # name -> File or Folder
        self.now = {}
        self.pending = []  # (start, end, [(name, thing or None), …])

    def change(self, event, steps):
        for name, thing in steps:
            set_entry(self.now, name, thing)
        self.pending.append((event.start, event.end, steps))

    def sync(self, event):
        rest = []
        for entry in self.pending:
            if entry[1] <= event.start:
                for step in entry[2]:
                    set_entry(self.durable, *step)
            else:
                rest.append(entry)
        self.pending = rest

    def image(self, path, time, choices):
        names = dict(self.durable)
        for start, _, steps in self.pending:
            if start < time and choices.keeps_name((path, "names", start, 0, tuple(name for name, _ in steps))):
                for step in steps:
                    set_entry(names, *step)
        return names


def set_entry(names, name, thing):
    if thing is None:
        names.pop(name, None)
    else:
        names[name] = thing


class Disk:
    """Replays a trace. `root` is the watched directory itself, whose parent is outside."""

    def __init__(self, root):
        self.root = os.path.normpath(root)
        self.top = Folder()
        self.is_made = False
        self.descriptors = {}

    def find(self, path):
        """The folder and the name of a path below the root, or (None, None) for what is outside."""
        if path == self.root or not path.startswith(self.root + "/"):
            return None, None
        parts = path[len(self.root) + 1 :].split("/")
        folder = self.top
        for part in parts[:-1]:
            folder = folder.now[part]
        return folder, parts[-1]

    def load(self, source):
        """Begins with what is in a directory, all of it durable."""
        self.is_made = True
        fill(self.top, source)

    def step(self, event):
        handler = getattr(self, "on_" + event.kind)
        handler(event)

    def on_open(self, event):
        path = os.path.normpath(event.data.decode())
        if path == self.root:
            self.descriptors[event.fd] = (self.top, event.flags)
            return
        folder, name = self.find(path)
        if folder is None:
            self.descriptors[event.fd] = (None, event.flags)
            return
        thing = folder.now.get(name)
        if thing is None:
            if not event.flags & os.O_CREAT:
                raise ValueError(f"{path} was opened, and the trace has never made it")
            thing = File()
            folder.change(event, [(name, thing)])
        elif event.flags & os.O_TRUNC and thing.size:
            thing.change(event, "size", 0, 0)
        self.descriptors[event.fd] = (thing, event.flags)

    def on_close(self, event):
        self.descriptors.pop(event.fd, None)

    def on_duplicate(self, event):
        self.descriptors[event.offset] = self.descriptors[event.fd]

    def on_write(self, event):
        thing, flags = self.descriptors[event.fd]
        data = bytes(event.length) if event.data is None else event.data
        thing.change(event, "bytes", event.offset, data, bool(flags & (os.O_DSYNC | os.O_SYNC)))

    def on_truncate(self, event):
        self.descriptors[event.fd][0].change(event, "size", 0, event.length)

    def on_allocate(self, event):
        thing = self.descriptors[event.fd][0]
        if event.offset + event.length > thing.size:
            thing.change(event, "size", 0, event.offset + event.length)

    def on_sync(self, event):
        thing = self.descriptors[event.fd][0]
        if thing is not None:
            thing.sync(event)

    on_datasync = on_sync

    def on_map(self, event):
        # LMDB's table of readers is written through a map. It means nothing after a restart of the machine.
        thing = self.descriptors[event.fd][0]
        if not any(name == "lock.mdb" for name in names_of(self.top, thing)):
            raise ValueError("a data file is mapped for writing, which this cannot follow")

    def on_rename(self, event):
        old, new = event.data.decode().split("\n")
        folder, name = self.find(os.path.normpath(old))
        other, new_name = self.find(os.path.normpath(new))
        if folder is not other or folder is None:
            raise ValueError(f"renamed from folder to folder: {old}, {new}")
        folder.change(event, [(name, None), (new_name, folder.now[name])])

    def on_unlink(self, event):
        folder, name = self.find(os.path.normpath(event.data.decode()))
        folder.change(event, [(name, None)])

    on_rmdir = on_unlink

    def on_mkdir(self, event):
        path = os.path.normpath(event.data.decode())
        if path == self.root:
            self.is_made = True
            return
        folder, name = self.find(path)
        folder.change(event, [(name, Folder())])

    def on_unsupported(self, event):
        raise ValueError(f"the trace holds a call that this cannot follow: {event.data.decode()}")

    def write_image(self, target, time, choices, coming=()):
        """The image of a crash at `time`; `coming` are the next events, of which writes may have begun."""
        begun = []
        for event in coming:
            if event.kind in ("open", "close", "duplicate"):
                break
            if event.kind == "write" and event.start < time:
                thing = self.descriptors[event.fd][0]
                data = bytes(event.length) if event.data is None else event.data
                thing.pending.append((event.start, event.end, "bytes", event.offset, data))
                begun.append(thing)
        write_folder(self.top, "", target, time, choices)
        for thing in reversed(begun):
            thing.pending.pop()


def names_of(folder, wanted):
    for name, thing in folder.now.items():
        if thing is wanted:
            yield name
        elif isinstance(thing, Folder):
            yield from names_of(thing, wanted)


def fill(folder, source):
    for name in sorted(os.listdir(source)):
        path = os.path.join(source, name)
        if os.path.isdir(path):
            thing = Folder()
            fill(thing, path)
        else:
            thing = File()
            with open(path, "rb") as file:
                thing.durable = bytearray(file.read())
            thing.size = len(thing.durable)
        folder.durable[name] = folder.now[name] = thing


def write_folder(folder, path, target, time, choices):
    os.mkdir(target)
    choices.turn_to_folder()
    for name, thing in folder.image(path, time, choices).items():
        choices.turn_to_file()
        below = os.path.join(path, name)
        if isinstance(thing, Folder):
            write_folder(thing, below, os.path.join(target, name), time, choices)
        else:
            with open(os.path.join(target, name), "wb") as file:
                file.write(thing.image(below, time, choices))
