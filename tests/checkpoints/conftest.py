"""Checkpoint files as the two frameworks write them, without having either installed."""

import functools
import http.server
import pickle
import sys
import threading
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch


def _pretend_mmengine(monkeypatch):
    """Make importable what pickle needs of mmengine, and return its class for logs.

    It pickles like the original: numpy arrays, and a table of its own methods.
    """

    class HistoryBuffer:
        def __init__(self):
            self.max_length = 1_000_000
            self._log_history = np.array([0.9, 0.7, 0.4])
            self._count_history = np.array([1, 1, 1])

        def mean(self):
            return self._log_history.mean()

        def __getstate__(self):
            return {**self.__dict__, "statistics_methods": {"mean": HistoryBuffer.mean}}

    module = types.ModuleType("mmengine.logging.history_buffer")
    module.HistoryBuffer = HistoryBuffer
    HistoryBuffer.__qualname__ = "HistoryBuffer"
    HistoryBuffer.mean.__qualname__ = "HistoryBuffer.mean"
    for thing in (HistoryBuffer, HistoryBuffer.mean):
        thing.__module__ = module.__name__
    for name in ("mmengine", "mmengine.logging"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return HistoryBuffer


@pytest.fixture
def save_pth(tmp_path):
    """``save_pth(obj, legacy=False)`` -> path of a ``.pth`` file that torch.save wrote."""

    def save(obj, file_name="my.pth", *, legacy=False):
        path = tmp_path / file_name
        torch.save(obj, path, _use_new_zipfile_serialization=not legacy)
        return path

    return save


@pytest.fixture
def save_mmengine(save_pth):
    """Save a state dict with all that mmengine's runner puts beside it."""

    def save(state_dict, *, legacy=False):
        with pytest.MonkeyPatch.context() as monkeypatch:
            history_buffer = _pretend_mmengine(monkeypatch)()
            return save_pth(everything(state_dict, history_buffer), legacy=legacy)

    def everything(state_dict, history_buffer):
        return {
            "meta": {
                "mmengine_version": "0.10.4",
                "dataset_meta": {
                    "classes": ("wall", "building"),
                    "palette": np.array([[120, 120, 120], [180, 120, 120]], np.uint8),
                },
                "cfg": "model = dict(type='EncoderDecoder')\n",
                "seed": np.int64(7),
                "epoch": 0,
                "iter": 80_000,
            },
            "state_dict": OrderedDict(state_dict),
            "message_hub": {
                "log_scalars": OrderedDict({"train/loss": history_buffer}),
                "runtime_info": OrderedDict(iter=80_000, best_miou=np.float64(36.6)),
                "resumed_keys": OrderedDict({"train/loss": True}),
            },
            "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{}]},
            "param_schedulers": [{"last_step": 80_000, "_last_value": [np.float64(0.0)]}],
        }

    return save


@pytest.fixture
def pickled_text():
    """``pickled_text(path)`` -> bytes of the pickle inside a zip ``.pth``."""

    def read(path):
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
            return archive.read(name)

    return read


@pytest.fixture
def replace_in_pickle():
    """``replace_in_pickle(path, old, new)``: edit the pickle inside a zip ``.pth`` in place."""

    def replace(path, old, new):
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        (pickled,) = [name for name in entries if name.endswith("data.pkl")]
        assert old in entries[pickled]
        entries[pickled] = entries[pickled].replace(old, new)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)

    return replace


@pytest.fixture
def paddle_arrays(golden_state_dict, paddle_table):
    """``paddle_arrays("tiny")``: the golden weights as numpy arrays by PaddleSeg's names."""

    def arrays(variant):
        weights = golden_state_dict(variant)
        table = paddle_table(variant)
        return {name: weights[entry["openmmlab"]].numpy() for name, entry in table.items()}

    return arrays


@pytest.fixture
def save_pdparams(tmp_path):
    """``save_pdparams(obj)`` -> path of a ``.pdparams`` file, as ``paddle.save`` writes them."""

    def save(obj, file_name="my.pdparams", protocol=4):
        path = tmp_path / file_name
        path.write_bytes(pickle.dumps(obj, protocol=protocol))
        return path

    return save


@pytest.fixture
def payload(tmp_path):
    """An object whose unpickling would make a file, and the path of that file."""
    marker = tmp_path / "executed"

    class Payload:
        def __reduce__(self):
            import os

            return os.system, (f"touch {marker}",)

    return Payload(), marker


@pytest.fixture
def serve(monkeypatch):
    """``serve({"/a.pth": (status, body, content_length)})`` -> address of a loopback server.

    The list ``serve.requests`` grows by the path of each request.
    """
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    def start(answers):
        handler = functools.partial(_Handler, answers, start.requests)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    start.requests = []
    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, answers, requests, *args):
        self.answers = answers
        self.requests = requests
        super().__init__(*args)

    def do_GET(self):
        self.requests.append(self.path)
        status, body, content_length = self.answers.get(self.path, (404, b"not here", 8))
        self.send_response(status)
        self.send_header("Content-Length", str(content_length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass
