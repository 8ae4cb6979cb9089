"""Contents are the same draw of a data set's files wherever it lies."""

import hashlib
import random

from matl.backbones.contents import MOST, contents_of


def hashes(count: int) -> list[str]:
    return [
        hashlib.blake2b(bytes([n % 256, n // 256]), digest_size=16).hexdigest()
        for n in range(count)
    ]


def test_contents_of__neither_order_nor_copies_matter() -> None:
    files = hashes(30)
    mixed = random.Random(0).sample([*files, *files[:5]], 35)
    found = contents_of("scans", mixed)
    assert found == contents_of("scans", files)
    assert (found.files, len(found.hashes), found.whole) == (30, 30, True)


def test_contents_of__many_files_are_a_fair_draw_that_a_part_shares() -> None:
    files = hashes(5000)
    whole, half = contents_of("scans", files), contents_of("copy", files[:2500])
    assert (whole.files, len(whole.hashes), whole.whole) == (5000, MOST, False)
    known = {one[:16] for one in files[:2500]}
    share = sum(one in known for one in whole.hashes) / MOST
    assert 0.4 < share < 0.6
    assert set(whole.hashes) & known <= set(half.hashes)
