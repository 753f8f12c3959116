"""An integer seed from names: the only source of randomness.

A picture's seed comes from what it is (base seed, data set, image, recipe, noise rate, replicate), never from the
shard, rank or batch that draws it; so shards, devices and resumption cannot change what is drawn.
"""

import hashlib


def seed_for(*names: object) -> int:
    """A seed in [0, 2^63) from the names, joined by slashes; the same on every machine and in every process."""
    digest = hashlib.blake2b("/".join(map(str, names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
