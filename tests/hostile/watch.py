"""What a broker's processes cost: memory, descriptors, processor time."""

import os
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
ROLES = ("gate-desks", "gate-peers", "core", "signer")


def resident(pid):
    """KiB of its own: anonymous pages, so that the store's map is not."""
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Watch:
    """Samples until it is stopped; a process that died is a failure."""

    def __init__(self, pids):
        self.pids = {r: pids[r] for r in ROLES}
        self.before = self.memory()
        self.most = self.before
        self.fds = {r: descriptors(p) for r, p in self.pids.items()}
        self.most_fds = dict(self.fds)
        self.died = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def memory(self):
        return sum(resident(p) for p in self.pids.values()) / 1024

    def run(self):
        while not self.stopping.wait(0.1):
            try:
                self.most = max(self.most, self.memory())
                for r, p in self.pids.items():
                    self.most_fds[r] = max(self.most_fds[r], descriptors(p))
            except OSError as e:
                self.died = str(e)
                return

    def stop(self):
        self.stopping.set()
        self.thread.join()
        return self.most - self.before

    def left(self):
        """Descriptors more than in the beginning."""
        return {r: descriptors(p) - self.fds[r] for r, p in self.pids.items()}

    def busy(self, wait):
        """Seconds of processor time in the next `wait` seconds."""
        begin = {r: seconds(p) for r, p in self.pids.items()}
        time.sleep(wait)
        return {r: round(seconds(p) - begin[r], 2)
                for r, p in self.pids.items()}
