"""Who may write an index that several machines share: one process, until a time that stands in the store itself.

The lease is the only row of a small table beside the chunks: its owner, and until when it holds. It is taken by a
compare-and-swap of this row, is renewed by a thread, and ends by itself with a process that is killed. Times are those
of the wall clock, which goes on while a laptop sleeps; so the machines' clocks must agree, within MARGIN of the lease.

It cannot take back a commit: one that takes longer than MARGIN after the last look at the clock may still come late.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import threading
import time
from datetime import timedelta

from zicoder.errors import CodeIndexError, IndexBusy, IndexDamaged
from zicoder.index.lance import Database, Table
from zicoder.index.lock import WriterLock
from zicoder.index.store_failures import nothing_of_use, quoted

__all__ = ["Lease"]

log = logging.getLogger("zicoder.index")

TABLE = "lease"
LEASE_S = 90.0
RENEWALS = 3
"""In the time of one lease, so that one may fail."""
MARGIN = 1 / 6
"""The last part of a lease, in which its owner writes no more: clocks differ, and a commit takes a while."""
LOOKS = 6
"""How often in the time of a lease others look whether it is free: each look is a few paid requests."""
SETTLE_S = 2.0
"""A table that is made can still be replaced by another machine that makes it at the same moment: LanceDB lets both. So
for this long nobody can take the lease of a new one. Who is slower still takes it from its owner unasked, which that
one notices when it renews, which it does within half this time at first."""
OPENINGS, OPENING_S = 8, 0.5
"""How often a table that is just being replaced is looked for again, and the seconds between."""
GIVE_BACK_S = 5.0
"""How long the end of a process may take for it. Without, the lease runs out."""
TIDY = 40
"""Renewals after which the row's old versions are removed."""
KEEP = timedelta(minutes=10)


class Lease:
    """The right to write the index at `location`, for one process of all machines.

    `lock` is asked first: of the processes of one machine one at most asks the store.
    """

    def __init__(self, location: str, lock: WriterLock, *, seconds: float = LEASE_S) -> None:
        self._location = location
        self._lock = lock
        self._seconds = seconds
        self._holding: _Holding | None = None
        self._look_again = 0.0
        self._turn = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether it is ours still."""
        return self._holding is not None and self._holding.good

    def take(self) -> bool:
        """Try to get it; False when another process has it. Blocking.

        Raises IndexUnavailable (no lock can be made here), IndexDamaged (the store cannot be reached or written).
        """
        with self._turn:
            if self.held:
                return True
            if not self._lock.take():
                return False
            try:
                self._holding = self._taken()
            finally:
                if not self.held:
                    self._lock.release()
            return self.held

    def check(self) -> None:
        """Raises IndexBusy when it has run out, or another process took it."""
        if not self.held:
            raise IndexBusy(
                "The right to write the shared code index has run out, or another machine has it now.",
                hint="It is taken again by itself when it is free.",
            )

    def release(self) -> None:
        """Give it back, so that another process can take it at once. Blocking, for a few seconds at most."""
        with self._turn:
            holding, self._holding = self._holding, None
            if holding is not None:
                holding.ended.set()
                holding.join(GIVE_BACK_S)
            self._lock.release()

    def _taken(self) -> _Holding | None:
        now = time.time()
        if now < self._look_again <= now + self._seconds:
            return None
        self._look_again = now + self._seconds / LOOKS  # also after a failure, as where one may only read
        table, until = _open(self._location)
        now = time.time()
        if until >= now:
            self._look_again = min(until, now + self._seconds / LOOKS)
            return None
        owner = f"{secrets.token_hex(8)} {socket.gethostname()}"
        if not table.update({"owner": owner, "until": now + self._seconds}, f"until < {now!r}"):
            return None  # another was first
        holding = _Holding(table, owner, now, self._seconds)
        holding.start()
        self._look_again = 0.0
        return holding


class _Holding(threading.Thread):
    """A lease that was taken: renewed until it is `ended` or lost, and then given back. What is lost stays lost."""

    def __init__(self, table: Table, owner: str, since: float, seconds: float) -> None:
        super().__init__(name="zicoder-lease", daemon=True)
        self.ended = threading.Event()
        self._table = table
        self._mine = f"owner = {quoted([owner])}"
        self._seconds = seconds
        self._since = since
        self._until = since + seconds * (1 - MARGIN)

    @property
    def good(self) -> bool:
        """Whether one may write by it."""
        if time.time() >= self._until:
            self.ended.set()
        return not self.ended.is_set()

    def run(self) -> None:
        """Renew it, then give it back."""
        renewals = 0
        while not self.ended.wait(self._pause()) and self.good:
            try:
                self._renew()
                renewals += 1
                if renewals % TIDY == 0:
                    self._table.optimize(KEEP)
            except CodeIndexError as error:
                log.info("The lease of the shared index could not be renewed: %s", error)
        self.ended.set()
        with contextlib.suppress(CodeIndexError):
            self._table.update({"owner": "", "until": 0.0}, self._mine)

    def _pause(self) -> float:
        """Seconds to the next renewal: few at first, to notice soon that a slower maker has replaced the table."""
        age = max(0.0, time.time() - self._since)
        return min(self._seconds / RENEWALS, max(SETTLE_S / 2, age, 0.1))

    def _renew(self) -> None:
        now = time.time()
        if self._table.update({"until": now + self._seconds}, self._mine):
            self._until = now + self._seconds * (1 - MARGIN)
        else:
            self.ended.set()


def _open(location: str) -> tuple[Table, float]:
    """The table, made if there is none, and until when it is held. Raises IndexDamaged."""
    database = Database(location, seen_s=0)
    for _ in range(OPENINGS):
        try:
            return _opened(database)
        except IndexDamaged as damage:
            if not nothing_of_use(damage):
                raise
            time.sleep(OPENING_S)  # another is just making it in the place of ours
    return _opened(database)


def _opened(database: Database) -> tuple[Table, float]:
    if TABLE not in database.names():
        with contextlib.suppress(IndexDamaged):  # another makes it at the same moment
            database.make_row(TABLE, {"owner": "", "until": time.time() + SETTLE_S})
        time.sleep(SETTLE_S)
    table = database.open(TABLE)
    return table, max(table.rows(["until"])["until"].to_pylist(), default=0.0)
