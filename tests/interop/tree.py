"""RFC 6962 trees: roots, inclusion, consistency."""

from codec import PROOF, Refused, demand
from names import sha256

EMPTY = sha256(b"")


def leaf_hash(data):
    return sha256(b"\0" + data)


def node(left, right):
    return sha256(b"\1" + left + right)


def split(size):
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


class Roots:
    """Leaf hashes as they come, and the root so far: a stack of the roots
    of complete subtrees, larger ones first."""

    def __init__(self):
        self.size = 0
        self.stack = []

    def add(self, hashed):
        size = self.size
        while size & 1:
            hashed = node(self.stack.pop(), hashed)
            size >>= 1
        self.stack.append(hashed)
        self.size += 1

    def root(self):
        if not self.stack:
            return EMPTY
        got = self.stack[-1]
        for left in reversed(self.stack[:-1]):
            got = node(left, got)
        return got


def root(hashes):
    roots = Roots()
    for hashed in hashes:
        roots.add(hashed)
    return roots.root()


def verify_inclusion(index, size, hashed, path, wanted):
    demand(index < size, PROOF, "index %d of %d" % (index, size))
    path = list(path)
    got = climb(index, size, hashed, path)
    demand(not path and got == wanted, PROOF, "another root")


def root_of_path(index, size, hashed, path):
    """The root that a path leads to."""
    demand(index < size, PROOF, "index %d of %d" % (index, size))
    path = list(path)
    got = climb(index, size, hashed, path)
    demand(not path, PROOF, "a path too long")
    return got


def climb(index, size, hashed, path):
    """The root over a leaf; hashes are taken from the end of the path."""
    if size == 1:
        return hashed
    demand(path, PROOF, "the path is too short")
    k = split(size)
    other = path.pop()
    if index < k:
        return node(climb(index, k, hashed, path), other)
    return node(other, climb(index - k, size - k, hashed, path))


def verify_consistency(old_size, old_root, size, new_root, path):
    path = list(path)
    if old_size == 0:
        demand(not path and old_root == EMPTY, PROOF, "from nothing")
        return
    demand(old_size <= size, PROOF, "the tree shrank")
    if old_size == size:
        demand(not path and old_root == new_root, PROOF, "two roots")
        return
    old, new = grow(old_size, size, path, True, old_root)
    demand(not path and old == old_root and new == new_root, PROOF,
           "another root")


def grow(old, size, path, whole, old_root):
    """The roots of `old` and `size` leaves, as RFC 6962 2.1.2 lays the
    proof out; `whole`: the subtree is the old tree itself."""
    if old == size:
        if whole:
            return old_root, old_root
        demand(path, PROOF, "the path is too short")
        got = path.pop(0)
        return got, got
    k = split(size)
    if old <= k:
        left_old, left_new = grow(old, k, path, whole, old_root)
        demand(path, PROOF, "the path is too short")
        return left_old, node(left_new, path.pop(0))
    right_old, right_new = grow(old - k, size - k, path, False, old_root)
    demand(path, PROOF, "the path is too short")
    left = path.pop(0)
    return node(left, right_old), node(left, right_new)


def hidden_root(count, shown, hidden):
    """SPEC 3.8: the root over `count` leaves, of which `shown` (index to
    leaf hash) are known and the rest is covered by the list `hidden`."""
    hidden = list(hidden)

    def walk(low, size):
        if not any(low <= i < low + size for i in shown):
            if not hidden:
                raise Refused(PROOF, "a hidden hash is missing")
            return hidden.pop(0)
        if size == 1:
            return shown[low]
        k = split(size)
        left = walk(low, k)
        return node(left, walk(low + k, size - k))

    got = walk(0, count) if count else EMPTY
    demand(not hidden, PROOF, "a hidden hash too many")
    return got
