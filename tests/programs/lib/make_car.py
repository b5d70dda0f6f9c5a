# SPDX-License-Identifier: BSL-1.0
"""make_car.py KIND FILE: writes a CAR that is wrong in one way, and prints its root.
make_car.py cid FILE: prints the CID of a raw leaf with the bytes of FILE.
make_car.py harm FILE LEAF: changes a byte in the copy of LEAF's bytes that is in FILE.
"""
import base64
import hashlib
import sys

RAW, DAG_PB = 0x55, 0x70


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def cid(codec, block):
    return bytes([1, codec, 0x12, 0x20]) + hashlib.sha256(block).digest()


def text(id):
    return "b" + base64.b32encode(id).decode().lower().rstrip("=")


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def unixfs_file(size, blocksizes):
    return field(1, 2) + field(3, size) + b"".join(field(4, n) for n in blocksizes)


def node(links, size, blocksizes):
    """A dag-pb block; links: (cid, total size)."""
    linked = b"".join(field(2, field(1, id) + field(2, b"") + field(3, total)) for id, total in links)
    return linked + field(1, unixfs_file(size, blocksizes))


def header(root):
    # {"roots": [root], "version": 1} in DAG-CBOR
    tagged = b"\xd8\x2a\x58" + bytes([len(root) + 1]) + b"\0" + root
    return b"\xa2\x65roots\x81" + tagged + b"\x67version\x01"


def section(id, block):
    return varint(len(id) + len(block)) + id + block


def car(root, blocks, head=None):
    head = header(root) if head is None else head
    return varint(len(head)) + head + b"".join(section(id, block) for id, block in blocks)


def car_v2(payload, data_offset=51, data_size=None, index_offset=0):
    pragma = bytes.fromhex("0aa16776657273696f6e02")
    size = len(payload) if data_size is None else data_size
    numbers = (data_offset, size, index_offset)
    return pragma + bytes(16) + b"".join(n.to_bytes(8, "little") for n in numbers) + payload


leaf_a, leaf_b = b"a" * 1000, b"b" * 1000
id_a, id_b = cid(RAW, leaf_a), cid(RAW, leaf_b)
leaves = [(id_a, leaf_a), (id_b, leaf_b)]


def file_of(links, size, blocksizes, rest):
    block = node(links, size, blocksizes)
    root = cid(DAG_PB, block)
    return root, car(root, [(root, block)] + rest)


def two_leaves(size=2000, blocksizes=(1000, 1000)):
    return file_of([(id_a, 1000), (id_b, 1000)], size, blocksizes, leaves)


def deep(levels):
    id, size, total, blocks = id_a, len(leaf_a), len(leaf_a), [(id_a, leaf_a)]
    for _ in range(levels):
        block = node([(id, total)], size, [size])
        id = cid(DAG_PB, block)
        total += len(block)
        blocks.insert(0, (id, block))
    return id, car(id, blocks)


def cyclic():
    """A node under a false CID, to which it links: the only way to make a circle."""
    false = cid(DAG_PB, b"no block has this hash")
    return false, car(false, [(false, node([(false, 1000)], 1000, [1000]))])


def wide(levels):
    """Each node links to the one below 100 times: a small file that says that it is huge."""
    id, size, total, blocks = id_a, len(leaf_a), len(leaf_a), [(id_a, leaf_a)]
    for _ in range(levels):
        block = node([(id, total)] * 100, size * 100, [size] * 100)
        id = cid(DAG_PB, block)
        size, total = size * 100, total * 100 + len(block)
        blocks.insert(0, (id, block))
    return id, car(id, blocks)


good_root, good = two_leaves()
head = header(good_root)
body = good[len(varint(len(head))) + len(head):]


def lying(head_length=None, tail=body):
    return good_root, varint(len(head) if head_length is None else head_length) + head + tail


kinds = {
    "good": lambda: (good_root, good),
    "good-v2": lambda: (good_root, car_v2(good)),
    # blocksizes against links and leaves
    "few-blocksizes": lambda: two_leaves(blocksizes=(1000,)),
    "many-blocksizes": lambda: two_leaves(blocksizes=(1000, 1000, 1000)),
    "no-blocksizes": lambda: two_leaves(blocksizes=()),
    "short-blocksize": lambda: two_leaves(1999, (999, 1000)),
    "long-blocksize": lambda: two_leaves(2001, (1000, 1001)),
    "wrong-sum": lambda: two_leaves(3000),
    "huge-blocksizes": lambda: two_leaves(2000, (2**63, 2**63 + 2000)),
    # graphs
    "deep": lambda: deep(1000),
    "cyclic": cyclic,
    "wide": lambda: wide(9),
    # lengths that are not so
    "header-past-end": lambda: lying(len(good) + 1),
    "header-huge": lambda: lying(2**62),
    "header-endless": lambda: (good_root, b"\xff" * 20 + good),
    "header-short": lambda: lying(10),
    "header-empty": lambda: (good_root, b"\0" + good),
    "section-past-end": lambda: lying(tail=varint(len(good)) + body[2:]),
    "section-huge": lambda: lying(tail=varint(2**62) + body[2:]),
    "section-too-short": lambda: lying(tail=varint(10) + body[2:]),
    "v2-data-past-end": lambda: (good_root, car_v2(good, data_size=len(good) + 1)),
    "v2-data-huge": lambda: (good_root, car_v2(good, data_size=2**64 - 1)),
    "v2-data-offset-huge": lambda: (good_root, car_v2(good, data_offset=2**64 - 1)),
    "v2-data-in-header": lambda: (good_root, car_v2(good, data_offset=3)),
    "v2-index-past-end": lambda: (good_root, car_v2(good, index_offset=2**40)),
    "v2-index-is-data": lambda: (good_root, car_v2(good, index_offset=60)),
}


def main(kind, path="", *rest):
    if kind == "cid":
        with open(path, "rb") as file:
            return print(text(cid(RAW, file.read())))
    if kind == "harm":
        with open(path, "r+b") as file, open(rest[0], "rb") as leaf:
            at = file.read().index(leaf.read()) + 123
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1]))
        return None
    if kind == "kinds":
        return print(*kinds)
    root, content = kinds[kind]()
    with open(path, "wb") as file:
        file.write(content)
    return print(text(root))


main(*sys.argv[1:])
