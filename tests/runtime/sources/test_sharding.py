"""Shards: each source is in one of them, on every machine in the same one."""

import random
import subprocess
import sys

import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.sources import Shard


@pytest.mark.parametrize("count", [1, 2, 3, 64, 1000])
def test_the_shards_cover_a_list_exactly_once(count):
    rng = random.Random(count)
    letters = "ab/é中.-_ \udcff"
    names = {"".join(rng.choices(letters, k=rng.randrange(1, 40))) for _ in range(300)}
    shards = [Shard(number, count) for number in range(1, count + 1)]
    assert all([shard.holds(name) for shard in shards].count(True) == 1 for name in names)


def test_the_shards_have_about_the_same_size():
    sizes = [sum(Shard(i, 8).holds(f"in/{n:06}.jpg") for n in range(8000)) for i in range(1, 9)]
    assert sum(sizes) == 8000
    assert max(sizes) < 1.15 * min(sizes)


def test_another_process_divides_in_the_same_way():
    names = [f"trip/{number}.jpg" for number in range(50)]
    code = (
        "from ppmobileseg_deploy.runtime.sources import Shard\n"
        f"print([Shard(2, 5).holds(name) for name in {names}])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert printed.strip() == str([Shard(2, 5).holds(name) for name in names])


# Results of earlier releases' shards are resumed by later ones: change nothing here.
def test_the_division_is_the_same_in_every_release():
    assert [n for n in range(40) if Shard(3, 8).holds(f"in/{n}.jpg")] == [26, 30, 35, 37]


@pytest.mark.parametrize("text", [" 3/64 ", "1/1", "64/64", "1/1000000"])
def test_what_is_understood(text):
    shard = Shard.parse(text)
    assert f"{shard.number}/{shard.count}" == text.strip()


@pytest.mark.parametrize(
    "text", ["", "3", "0/4", "5/4", "-1/4", "1/0", "1/2/3", "a/b", "1/1000001", "9" * 500, "1.0/2"]
)
def test_what_is_refused(text):
    with pytest.raises(UsageError, match="expected a shard from 1/N to N/N") as caught:
        Shard.parse(text)
    assert len(str(caught.value)) < 200
