"""Pickles that would take the memory, the time or the machine of who unpickles them."""

import pickle
import struct
import time
import tracemalloc

import pytest

from ppmobileseg_deploy.checkpoints.formats import FormatError, Placeholder, Source
from ppmobileseg_deploy.checkpoints.formats.opcodes import MAX_OPCODES
from ppmobileseg_deploy.checkpoints.formats.pytorch import BUILDERS
from ppmobileseg_deploy.checkpoints.formats.unpickling import MAX_NAME, unpickle


@pytest.fixture
def read(tmp_path):
    """``read(pickle)``: what it holds."""

    def read_pickle(content, builders=None):
        path = tmp_path / "a.pickle"
        path.write_bytes(content)
        with Source.open(path) as source:
            return unpickle(source, 0, source.size, builders or {})[0]

    return read_pickle


PLAIN = [None, True, False, 0, -1, 255, 65536, -(2**31), 2**70, 1.5, "", "ü\n", "x" * 300, [], {},
         (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [[[]]], {"a": {"b": [1, (2,)]}}]  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
def test_plain_things_are_what_they_were(protocol, read):
    assert read(pickle.dumps(PLAIN, protocol)) == PLAIN


@pytest.mark.parametrize("protocol", range(6))
def test_what_is_one_thing_stays_one(protocol, read):
    shared = ["x"]
    looped = {"a": shared, "b": shared, "c": (shared,)}
    looped["self"] = looped
    found = read(pickle.dumps(looped, protocol))
    assert found["a"] is found["b"] is found["c"][0]
    assert found["self"] is found


def test_long_texts_stay_in_the_file_until_they_are_read(read):
    text = "ü" * 100_000
    assert read(pickle.dumps({"a": text}))["a"].content.size == 200_000


class Thing:
    def __init__(self):
        self.size = 3


class ThingWithItems(dict):
    pass


@pytest.mark.parametrize("protocol", range(6))
def test_objects_are_placeholders(protocol, read):
    found = read(pickle.dumps({"a": Thing(), "b": ThingWithItems(x=1), "c": {2}}, protocol))
    assert all(isinstance(each, Placeholder) for each in found.values())
    if protocol >= 2:
        assert found["a"].kind.endswith(".Thing")
        assert found["a"].state == {"size": 3}
        assert found["b"] == {"x": 1}


def test_only_entries_with_names_are_kept(read):
    keys = {"a": 1, 2: 2, None: 3, (4, 5): 4, 1.5: 5, b"b": 6, frozenset({1}): 7}
    assert read(pickle.dumps(keys)) == {"a": 1}


def nested_tuples(levels):
    """A tuple that holds a tuple twice, which holds another twice, and so on."""
    return b"K\x01" + b"2\x86" * levels


@pytest.mark.parametrize(
    "body",
    [
        b"}" + nested_tuples(40) + b"Ns",
        b"}(X\x01\0\0\0bK\x01" + nested_tuples(40) + b"Nu",
        b"(" + nested_tuples(40) + b"Nd",
        b"ccollections\nOrderedDict\n)R" + nested_tuples(40) + b"Ns",
        b"ccollections\nOrderedDict\n" + nested_tuples(40) + b"N\x86\x85\x85R",
        b"cbuiltins\nset\n](" + nested_tuples(40) + b"e\x85R",
        b"ccollections\nCounter\n](" + nested_tuples(40) + b"e\x85R",
        b"\x8f(" + nested_tuples(40) + b"\x90",
        b"(" + nested_tuples(40) + b"\x91",
    ],
    ids=["SETITEM", "SETITEMS", "DICT", "OrderedDict item", "OrderedDict called", "set called",
         "Counter", "set", "frozenset"],
)  # fmt: skip
def test_nothing_that_takes_ages_to_hash_is_hashed(body, read):
    start = time.perf_counter()
    read(b"\x80\x04" + body + b".")
    assert time.perf_counter() - start < 1


def test_numbers_whose_hashes_are_equal_are_no_burden(read):
    numbers = [(2**61 - 1) * number for number in range(1, 30_001)]
    assert len({hash(number) for number in numbers}) == 1, "or a dict of them is fast anyway"
    items = b"".join(b"\x8a\x0a" + number.to_bytes(10, "little") + b"N" for number in numbers)
    start = time.perf_counter()
    assert read(b"\x80\x02}(" + items + b"u.") == {}
    assert time.perf_counter() - start < 2


def call(name, argument):
    module, _, name = name.rpartition(".")
    return f"c{module}\n{name}\n".encode() + argument + b"\x85R"


@pytest.mark.parametrize(
    "body",
    [
        call("builtins.bytearray", b"J" + struct.pack("<i", 2_000_000_000)),
        call("builtins.range", b"\x8a\x09" + (2**64).to_bytes(9, "little")),
        call("numpy.zeros", b"\x8a\x09" + (2**64).to_bytes(9, "little")),
        call("torch.storage.UntypedStorage", b"J" + struct.pack("<i", 2_000_000_000)),
        b"X" + struct.pack("<I", 60_000) + "\u4e00".encode() * 20_000
        + b"2" * 3 + call("_codecs.encode", b""),
    ],
    ids=["bytearray", "range", "zeros", "storage", "codec"],
)  # fmt: skip
def test_what_would_fill_the_memory_is_not_made(body, read):
    tracemalloc.start()
    try:
        read(b"\x80\x02" + body + b".")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("opcode", [b"}", b"]", b")", b"N", b"(", b"2", b"K\x01", b"\x8f"])
def test_a_pickle_has_a_bounded_number_of_opcodes(opcode, read):
    start = b"\x80\x04N"
    with pytest.raises(FormatError, match=f"more than {MAX_OPCODES} opcodes"):
        read(start + opcode * (MAX_OPCODES + 1) + b".")


@pytest.mark.parametrize(
    "slot",
    [b"r" + struct.pack("<I", 2**31), b"r" + struct.pack("<I", 3), b"p99999999\n", b"p-1\n"],
)
def test_a_few_bytes_cannot_reserve_gigabytes(slot, read):
    with pytest.raises(FormatError, match="memory slots"):
        read(b"\x80\x04}" + slot + b".")


def test_entries_with_names_of_unusual_length_are_left_out(read):
    assert read(pickle.dumps({"k" * MAX_NAME: 1})) == {"k" * MAX_NAME: 1}
    assert read(pickle.dumps({"k" * (MAX_NAME + 1): 1, "a": 2})) == {"a": 2}


def test_long_names_of_classes_are_not_put_together_again_and_again(read):
    text = b"X" + struct.pack("<I", 60_000) + b"a" * 60_000
    with pytest.raises(FormatError, match="a class whose name is longer than 500 characters"):
        read(b"\x80\x04(" + text + b"\x94" + b"h\0h\0\x93" * 100_000 + b"t.")


@pytest.mark.parametrize(
    "step",
    [b"C\0", b"\x8c\0", b"U\0", b"ca\nb\n", b"I1\n", b"ca\nb\n)R", b"C\0C\0\x85"],
    ids=["bytes", "text", "old text", "class", "digits", "object", "tuple"],
)
def test_time_and_memory_go_with_the_number_of_opcodes(step, read):
    start = time.process_time()
    tracemalloc.start()
    try:
        read(b"\x80\x04(" + step * 30_000 + b"t.")
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 2


def test_a_long_list_of_arguments_is_not_gone_through_again_and_again(read):
    body = b"(" + b"N" * 300_000 + b"t\x94("
    body += b"ctorch._utils\n_rebuild_parameter\nh\0R" * 50_000 + b"t"
    start = time.process_time()
    with pytest.raises(FormatError, match="_rebuild_parameter without its arguments"):
        read(b"\x80\x04" + body + b".", BUILDERS)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "its pickle has no end"),
        (b"\x80", "its pickle has no end"),
        (b"\x80\x04", "its pickle has no end"),
        (b"\x80\x04N", "its pickle has no end"),
        (b"\x80\x04.", "an object that is not there"),
        (b"\x80\x040.", "an object that is not there"),
        (b"\x80\x04Nt.", "an object that is not there"),
        (b"\x80\x04h\x05.", "an object that is not there"),
        (b"\x80\x04\x94.", "an object that is not there"),
        (b"\x80\x04Ns.", "an object that is not there"),
        (b"\x80\x04X\x01\0\0\0\xff.", "UnicodeDecodeError in its pickle"),
        (b"\x80\x04X\xff\xff\xff\xff.", "its pickle has no end"),
        (b"\x80\x04B\xff\xff\xff\x7f.", "its pickle has no end"),
        (b"\x80\x04\x8e" + b"\xff" * 8 + b".", "its pickle has no end"),
        (b"\x80\x04\x8b\xff\xff\0\0.", "a number of 65535 bytes"),
        (b"I" + b"1" * 5000 + b"\n.", "a number of 5000 digits"),
        (b"Iten\n.", "ValueError in its pickle"),
        (b"Ften\n.", "ValueError in its pickle"),
        (b"V\\u12\n.", "UnicodeDecodeError in its pickle"),
        (b"cos", "a line of its pickle has no end"),
        (b"\x80\x02\x82\x01.", r"a pickle with opcode b'\\x82'"),
        (b"Pweights\n.", "a pickle with opcode b'P'"),
        (b"\x80\x05\x97.", r"a pickle with opcode b'\\x97'"),
        (b"\x80\x02NQ.", "a part of its pickle is elsewhere"),
        (b"\x80\x04NN\x93.", "names a class by something else than texts"),
        (b"\xff", r"a pickle with opcode b'\\xff'"),
    ],
)
def test_a_damaged_pickle(body, reason, read):
    with pytest.raises(FormatError, match=reason):
        read(body)


@pytest.mark.parametrize(
    "name",
    ["os.system", "posix.system", "nt.system", "subprocess.Popen", "builtins.eval",
     "__builtin__.exec", "builtins.__import__", "builtins.compile", "runpy.run_path", "pty.spawn"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["GLOBAL", "STACK_GLOBAL", "INST"])
def test_asking_for_programs_or_code_is_an_error(name, form, read):
    module, _, function = name.rpartition(".")
    texts = [f"X{chr(len(each))}\0\0\0{each}".encode("latin-1") for each in (module, function)]
    body = {
        "GLOBAL": f"c{module}\n{function}\n".encode(),
        "STACK_GLOBAL": b"".join(texts) + b"\x93",
        "INST": b"(" + f"i{module}\n{function}\n".encode(),
    }[form]
    with pytest.raises(FormatError, match=rf"^asks for {module}\.{function}, which runs programs"):
        read(b"\x80\x04" + body + b".")


def test_builders_make_what_their_names_stand_for(read):
    body = b"\x80\x02" + call("a.b", b"K\x05") + call("a.c", b"K\x05") + b"\x86."
    found = read(body, {"a.b": lambda arguments: ("made of", *arguments)})
    assert found[0] == ("made of", 5)
    assert isinstance(found[1], Placeholder)
    with pytest.raises(FormatError, match=r"its pickle calls a\.b without its arguments"):
        read(b"\x80\x02ca\nb\nNR.", {"a.b": lambda arguments: arguments})


def test_a_placeholder_is_no_function(read):
    found = read(b"\x80\x02cbuiltins\ngetattr\n)R)R.")
    assert isinstance(found, Placeholder)
