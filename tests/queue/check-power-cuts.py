#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a queue has told outlives a power cut: check-power-cuts.py JOURNAL APPLICATION RECORDER [SEED]

An application with a queue (tests/workers/queue-application.c) is killed and started again, and a row of its file is
damaged, so that it repairs that. What it does to its files is recorded (tests/queue/power-recorder.c). Then the power is
cut at many places of the record: of what was not synced, some is dropped, reordered or torn, and the application looks
whether what is left has all that was told until then. After some cuts it goes on to its end.

Without the syncs of the log, or of the files of values, cuts have to be found that break the promise.

The journal is WAL, or TRUNCATE as in the folder of another machine. With FERRY_TEST_NIGHT there are 1,000 cuts. What
happens follows from the seed, when it happens does not.
"""

import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

import tap

N_TASKS = 70
N_KILLS = 4
# Changes to files until a kill.
MAX_CHANGES = 400
# Of one recording.
N_CUTS = 100
FEW_CUTS = 25
# One of so many cuts is followed by the rest of the tasks.
ONE_GOES_ON = 10
# Longer than any of this takes. What hangs is a fault.
LONG = 600
SECTOR = 512
# The task whose row is damaged.
DAMAGED = 1

Record = collections.namedtuple("Record", "what path other offset data")


class File:
    """What is certain of its bytes, and what was done since its last sync."""

    def __init__(self):
        self.synced = bytearray()
        self.late = []

    def sync(self):
        for change in self.late:
            apply_change(self.synced, change)
        self.late = []


def apply_change(data, change):
    offset = change.offset
    if change.what == "resize":
        del data[offset:]
        data.extend(bytes(offset - len(data)))
        return
    data.extend(bytes(max(0, offset - len(data))))
    data[offset:offset + len(change.data)] = change.data


class Disk:
    """The files of a record up to a place. A name is certain when its folder was synced."""

    def __init__(self, folder):
        self.files = {}
        self.certain = {}
        self.folders = [folder]
        self.late = []

    def play(self, record):
        what, path = record.what, record.path
        if what in ("write", "resize"):
            self.files[path].late.append(record)
        elif what == "sync":
            self.files[path].sync()
        elif what == "sync-names":
            here = [change for change in self.late if os.path.dirname(change[1]) == path]
            self.late = [change for change in self.late if change not in here]
            for change in here:
                change_name(self.certain, change)
        else:
            self.play_name(record)

    def play_name(self, record):
        what, path = record.what, record.path
        if what == "mkdir":
            self.folders.append(path)
            return
        change = {"create": ("name", path, None, File()),
                  "rename": ("name", record.other, path, self.files.get(path)),
                  "unlink": ("unlink", path, None, None)}[what]
        change_name(self.files, change)
        self.late.append(change)

    def leave(self, dice, bytes_kept, names_kept):
        """Writes what a cut leaves."""
        names = dict(self.certain)
        n = {"none": 0, "all": len(self.late), "first": dice.randint(0, len(self.late))}[names_kept]
        for change in self.late[:n]:
            change_name(names, change)
        for folder in self.folders:
            os.makedirs(folder, exist_ok=True)
        for path, file in names.items():
            data = bytearray(file.synced)
            for change in choose_kept(file.late, dice, bytes_kept):
                apply_change(data, change)
            with open(path, "wb") as left:
                left.write(data)


def change_name(names, change):
    what, path, old, file = change
    names.pop(old if what == "name" else path, None)
    if what == "name":
        names[path] = file


def choose_kept(late, dice, how):
    if how == "none":
        return []
    if how == "all":
        return late
    if how == "last":
        return late[len(late) - dice.randint(0, min(3, len(late))):]
    if how == "some":
        return [change for change in late if dice.random() < 0.5]
    return [tear(change, dice) for change in late if dice.random() < 0.8]


def tear(change, dice):
    size = len(change.data)
    if size <= SECTOR or dice.random() < 0.5:
        return change
    at = dice.randint(1, (size - 1) // SECTOR) * SECTOR
    if dice.random() < 0.5:
        return change._replace(data=change.data[:at])
    return change._replace(offset=change.offset + at, data=change.data[at:])


# ---- the application ----

class Play:
    """A folder with an application's files, and the record of what it did there."""

    def __init__(self, folder, application, recorder, journal, dice):
        self.application = application
        self.state = os.path.join(folder, "state")
        self.queue = os.path.join(self.state, "queue.db")
        self.ledger = os.path.join(folder, "ledger")
        self.log = os.path.join(folder, "records")
        self.dice = dice
        self.environment = dict(os.environ, LD_PRELOAD=recorder, FERRY_ATTACH_TIMEOUT=str(LONG))
        if journal == "TRUNCATE":
            self.environment["FERRY_TEST_NETWORK"] = "1"
        self.recorded = dict(self.environment, FERRY_TEST_RECORDED=self.state, FERRY_TEST_RECORDS=self.log,
                             FERRY_TEST_LEDGER=self.ledger)
        self.records = []

    def run(self, environment, *arguments, n=N_TASKS):
        return subprocess.run([self.application, self.queue, self.ledger, str(n), *arguments], env=environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
                              timeout=LONG)

    def run_once(self, environment, n):
        ended = self.run(environment, n=n)
        if ended.returncode not in (0, -signal.SIGKILL):
            raise RuntimeError("the application ended with %d: %s" % (ended.returncode, ended.stderr))
        return ended.returncode

    def run_with_kills(self, n):
        """Kills it some times, and then lets it end."""
        for _ in range(N_KILLS):
            end = str(self.dice.randint(1, MAX_CHANGES))
            if self.run_once(dict(self.recorded, FERRY_TEST_END_AFTER=end), n) == 0:
                return
        self.run_once(self.recorded, n)

    def damage(self):
        """As another program would, that is recorded as well."""
        program = ("import os, sqlite3, sys\n"
                   "ledger = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)\n"
                   "os.write(ledger, b'x %d\\n')\n"
                   "file = sqlite3.connect(sys.argv[1])\n"
                   "file.execute('PRAGMA synchronous=FULL')\n"
                   "file.execute('UPDATE task SET state_sum = state_sum + 1 WHERE key = %d')\n"
                   "file.commit()\n"
                   "file.close()\n" % (DAMAGED, DAMAGED))
        subprocess.run([sys.executable, "-c", program, self.queue, self.ledger], env=self.recorded, check=True)

    def record(self):
        os.makedirs(self.state)
        self.run_with_kills(N_TASKS // 2)
        self.damage()
        self.run_with_kills(N_TASKS)
        with open(self.log, "rb") as log:
            while line := log.readline():
                what, path, other, offset, size = line.decode().rstrip("\n").split("\t")
                self.records.append(Record(what, path, other, int(offset), log.read(int(size))))

    # ---- cuts ----

    def find_writes(self):
        """The places behind writes to the database."""
        return [i + 1 for i, record in enumerate(self.records) if record.what == "write" and record.path == self.queue]

    def find_repair(self):
        """The places between the damage and the word that it is repaired."""
        notes = [(i, record.data) for i, record in enumerate(self.records) if record.what == "note"]
        first = next(i for i, data in notes if data.startswith(b"x "))
        return range(first + 1, next(i for i, data in notes if i > first and data.startswith(b"o ")) + 1)

    def choose_cuts(self, n):
        """A third is before a sync, a fifth in the database, which is a check point where there is a log, and a fifth in
        the repair."""
        syncs = [i for i, record in enumerate(self.records) if record.what.startswith("sync")]
        cuts = set()
        for among, share in ((syncs, n // 3), (self.find_writes(), n // 5), (self.find_repair(), n // 5)):
            cuts.update(self.dice.sample(among, min(share, len(among))))
        others = [i for i in range(1, len(self.records)) if i not in cuts]
        cuts.update(self.dice.sample(others, min(n - len(cuts), len(others))))
        return sorted(cuts)

    def judge(self, goes_on):
        """What the application finds wrong, or None."""
        runs = [["look"]] + ([[], ["look"]] if goes_on else [])
        for arguments in runs:
            ended = self.run(self.environment, *arguments)
            if ended.returncode != 0:
                return "%d: %s" % (ended.returncode, " ".join(ended.stderr.split()))
        return None

    def cut(self, cuts, without=None):
        """Yields what is wrong after each cut, or None. without: (path): whether its syncs are none."""
        disk = Disk(self.state)
        ledger = bytearray()
        last = 0
        for number, at in enumerate(cuts):
            for record in self.records[last:at]:
                if record.what == "note":
                    ledger += record.data
                elif record.what != "sync" or without is None or not without(record.path):
                    disk.play(record)
            last = at
            shutil.rmtree(self.state)
            bytes_kept = self.dice.choice(("none", "all", "last", "some", "some", "torn", "torn"))
            names_kept = self.dice.choice(("none", "all", "first"))
            disk.leave(self.dice, bytes_kept, names_kept)
            with open(self.ledger, "wb") as file:
                file.write(ledger)
            wrong = self.judge(without is None and number % ONE_GOES_ON == 0)
            yield wrong and "cut at %d of %d, bytes: %s, names: %s: %s" % (at, len(self.records), bytes_kept,
                                                                          names_kept, wrong)


# ---- the facts ----

def is_log(path):
    return path.endswith("-wal" if sys.argv[1] == "WAL" else "-journal")


def is_value(path):
    return os.path.basename(os.path.dirname(path)) == "queue.db.values"


CONTROLS = {"log": is_log, "values": is_value}
MOST_FOR_CONTROLS = 20


def body(report):
    journal = sys.argv[1]
    application, recorder = (os.path.abspath(path) for path in sys.argv[2:4])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
    n_to_go = 1000 if "FERRY_TEST_NIGHT" in os.environ else FEW_CUTS
    n, n_in_writes, n_in_repair, complaints, found = 0, 0, 0, [], dict.fromkeys(CONTROLS)
    last = seed + MOST_FOR_CONTROLS
    # Not every recording has a place that a control harms.
    while n < n_to_go or (None in found.values() and seed < last):
        print("# seed %d" % seed, flush=True)
        with tempfile.TemporaryDirectory(prefix="ferry-cuts-") as folder:
            play = Play(folder, application, recorder, journal, random.Random(seed))
            play.record()
            cuts = play.choose_cuts(min(N_CUTS, n_to_go - n))
            n_in_writes += len(set(cuts).intersection(play.find_writes()))
            n_in_repair += len(set(cuts).intersection(play.find_repair()))
            complaints += ["seed %d, %s" % (seed, wrong) for wrong in play.cut(cuts) if wrong]
            for what, without in CONTROLS.items():
                if found[what] is None:
                    found[what] = next((wrong for wrong in play.cut(play.choose_cuts(N_CUTS), without) if wrong), None)
        n += len(cuts)
        seed += 1
    print("# %d cuts, %d of them between writes to the database, %d in a repair" % (n, n_in_writes, n_in_repair))
    report.none("what was told is there after a cut", complaints)
    for what, wrong in found.items():
        print("# without the syncs of the %s: %s" % (what, wrong))
        report.fact("without the syncs of the %s it is not" % what, wrong is not None)


tap.main(body)
