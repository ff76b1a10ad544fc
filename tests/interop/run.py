#!/usr/bin/python3
"""The second implementation against vectors, files and the program.

  run.py BUILD               all
  run.py BUILD --only NAME   one (a part of the name is enough)

Written from proto/SPEC.md and proto/vectors alone.  Prints `ok NAME` or
`FAIL NAME: why`.  A test that takes an argument gets the build directory.
"""

import os
import sys
import time
import traceback

import check_archive
import check_bundle
import check_form
import check_program
import check_tiles
import check_vectors
from codec import Refused
from check import Disagree

MODULES = (check_vectors, check_archive, check_program, check_form,
           check_tiles,
           check_bundle)


def run_one(name, function, *args):
    begin = time.monotonic()
    try:
        function(*args)
    except Exception as e:  # a test may fail in any way
        why = str(e) if isinstance(e, (Disagree, Refused)) else \
            traceback.format_exc(limit=-3)
        print("FAIL %s: %s" % (name, why.replace("\n", "\n  ")), flush=True)
        return False
    print("ok %s (%.1f s)" % (name, time.monotonic() - begin), flush=True)
    return True


def main(modules, argv):
    if len(argv) not in (2, 4) or argv[2:3] not in ([], ["--only"]):
        sys.exit(__doc__)
    build = os.path.abspath(argv[1])
    only = argv[3] if len(argv) == 4 else ""
    results = [run_one(name, function,
                       *[build][:function.__code__.co_argcount])
               for module in modules
               for name, function in vars(module).items()
               if name.startswith("test_") and only in name]
    print("%d passed, %d failed" % (results.count(True),
                                    results.count(False)))
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(MODULES, sys.argv))
