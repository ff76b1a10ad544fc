#!/usr/bin/python3
"""Replays archives (SPEC 13.1) and compares states and digests.

  cases.py DIR...   each DIR an archive, or a directory of archives
"""

import os
import sys

from archive import Archive


def archives(paths):
    for path in paths:
        if os.path.exists(os.path.join(path, "ledger")):
            yield path
        else:
            for name in sorted(os.listdir(path)):
                if os.path.exists(os.path.join(path, name, "ledger")):
                    yield os.path.join(path, name)


def main(paths):
    agree = differ = 0
    first = None
    for path in archives(paths):
        archive = Archive(path)
        for line in archive.problems:
            print("%s: %s" % (path, line))
        differ += len(archive.differing)
        agree += archive.cases - archive.told_wrong
        if archive.differing and first is None:
            first = "%s: %s" % (path, archive.difference())
    print("%d cases agree, %d differ" % (agree, differ))
    if first:
        print(first)
    return 0 if agree and not differ else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
