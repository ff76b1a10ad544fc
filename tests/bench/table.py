"""The end of a run on a terminal: a table, and what latency looked like."""

BLOCKS = " ▁▂▃▄▅▆▇█"


def table(rows):
    width = [max(len(r[i]) for r in rows) for i in range(4)]
    for r in [("bench", "measured", "ratio", "target")] + rows:
        print("  ".join(c.ljust(max(w, 8))
                        for c, w in zip(r, width)).rstrip())


def span(us):
    return "%.0f us" % us if us < 1000 else "%.3g ms" % (us / 1e3) \
        if us < 1e6 else "%.3g s" % (us / 1e6)


def plots(found):
    """One line each over a common axis, a column every half octave."""
    found = [(title, dict(buckets)) for title, buckets in found if buckets]
    if not found:
        return
    axis = sorted({x for _, buckets in found for x in buckets})
    columns = [axis[0]]
    while columns[-1] < axis[-1]:
        columns.append(columns[-1] * 2 ** 0.5)
    wide = max(len(title) for title, _ in found)
    print("\nshare of acts by latency, %s to %s" % (
        span(columns[0]), span(columns[-1] * 2 ** 0.5)))
    for title, buckets in found:
        bars = [0] * len(columns)
        for x, n in buckets.items():
            nearest = min(range(len(columns)),
                          key=lambda i: abs(columns[i] / x - 1))
            bars[nearest] += n
        top = max(bars)
        print("%s  |%s|" % (title.ljust(wide), "".join(
            BLOCKS[0 if n == 0 else max(1, round(8 * n / top))] * 2
            for n in bars)))
