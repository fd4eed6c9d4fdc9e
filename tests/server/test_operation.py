"""What whoever runs a server relies on: probes, metrics, the log, keys, refusals, and its end."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest


def _connect(server):
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), 10)


def _until(holds, seconds=10):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_probes_say_that_all_is_well(server):
    for path in ("/healthz", "/readyz"):
        answer = server.http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_metrics_count_requests_and_stages(server, photo):
    def counts():
        return [
            server.metric('ppms_requests_total{code="200",route="/v1/segment"}'),
            server.metric('ppms_stage_seconds_count{stage="inference"}'),
            server.metric('ppms_requests_total{code="404",route="other"}'),
        ]

    before = counts()
    server.segment(photo)
    server.http.get("/any/thing")
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1]
    assert server.metric("ppms_in_flight") == 0
    assert "ppms_model_info{" in server.http.get("/metrics").text


def test_the_log_tells_a_request_by_its_id(server, photo):
    answer = server.http.post(
        "/v1/segment?format=labels", content=photo, headers={"X-Request-ID": "abc-1"}
    )
    assert answer.headers["x-request-id"] == "abc-1"
    _until(lambda: any(each.get("request_id") == "abc-1" for each in server.lines))
    (line,) = (each for each in server.lines if each.get("request_id") == "abc-1")
    assert (line["status"], line["path"], line["size_hw"]) == (200, "/v1/segment", [128, 192])
    assert line["sent_bytes"] == len(answer.content)
    assert {"receive", "queue", "decode", "inference", "encode"} <= set(line["stages_ms"])


@pytest.mark.parametrize("asked", ["", "two words", "x" * 65, "a\x1bb"])
def test_an_id_that_is_none_is_replaced(server, asked):
    answer = server.http.get("/healthz", headers={"X-Request-ID": asked.encode()})
    assert len(answer.headers["x-request-id"]) == 32


def test_no_other_site_may_use_it_by_default(server):
    answer = server.http.get("/v1/model", headers={"Origin": "https://example.org"})
    assert "access-control-allow-origin" not in answer.headers


def test_the_description_of_the_interface_is_there_and_loads_nothing_from_elsewhere(server):
    page = server.http.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text.replace("https://fastapi", "")
    paths = server.http.get("/openapi.json").json()["paths"]
    assert {"/v1/segment", "/v1/model", "/healthz", "/readyz", "/metrics"} <= set(paths)


def test_keys_and_another_site(running, slow_model, small, tmp_path):
    keys = tmp_path / "keys.txt"
    keys.write_text("# of two users\nfirst-key-of-users\n\nsecond-key-of-users\n")
    options = ("--api-key-file", str(keys), "--cors", "https://example.org")
    with running(slow_model, *options) as server:
        for path in ("/v1/model", "/metrics"):
            for headers in (
                {},
                {"X-API-Key": "first-key-of-user"},
                {"Authorization": "Bearer another-key-of-users"},
                {"Authorization": "Basic first-key-of-users"},
                {"X-API-Key": "Schlüssel".encode()},
            ):
                answer = server.http.get(path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                assert list(answer.json()) == ["error"]
            for headers in (
                {"X-API-Key": "first-key-of-users"},
                {"Authorization": "Bearer second-key-of-users"},
            ):
                assert server.http.get(path, headers=headers).status_code == 200
        for path in ("/healthz", "/readyz", "/docs"):
            assert server.http.get(path).status_code == 200

        site = {"Origin": "https://example.org"}
        answer = server.segment(small)
        assert answer.status_code == 401
        answer = server.http.get("/v1/model", headers=site)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
        asked = site | {"Access-Control-Request-Method": "POST"}
        answer = server.http.options("/v1/segment", headers=asked)
        assert answer.status_code == 200
        answer = server.http.options("/v1/segment", headers=asked | {"Origin": "https://b.org"})
        assert answer.status_code == 400
    assert "first-key-of-users" not in "".join(server.log)


def test_addresses_are_fetched_where_that_is_allowed_and_private_ones_never(running, slow_model):
    with (
        running(slow_model, "--allow-url") as server,
        socket.create_server(("127.0.0.1", 0)) as neighbour,
    ):
        port = neighbour.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "169.254.169.254"):
            address = f"http://{host}:{port}/a.png"
            answer = server.http.post("/v1/segment", params={"url": address})
            assert answer.status_code == 422
            assert answer.json()["error"].endswith(
                "expected a public address, found a private one"
            )
        for address in ("file:///etc/passwd", "ftp://example.org/a.png", "", "http://"):
            answer = server.http.post("/v1/segment", params={"url": address})
            assert (answer.status_code, list(answer.json())) == (422, ["error"])
        neighbour.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody came
            neighbour.accept()
        assert server.http.get("/v1/model").json()["limits"]["fetches_addresses"] is True
    assert str(port) not in "".join(server.log)


def test_a_full_server_refuses_at_once_and_ends_with_all_answered(running, slow_model, small):
    options = ("--workers", "1", "--threads", "1", "--queue", "1", "--timeout", "9")
    with running(slow_model, *options) as server, ThreadPoolExecutor(2) as threads:
        taken = [threads.submit(server.segment, small) for _ in range(2)]
        _until(lambda: server.metric("ppms_queue_length") == 1)
        assert server.metric("ppms_in_flight") == 1

        # The headers suffice: nothing of a body was sent.
        with _connect(server) as client:
            client.sendall(b"POST /v1/segment HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
            head = client.recv(4096)
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in head.lower()
        assert server.metric("ppms_refused_total") == 1

        server.process.send_signal(signal.SIGTERM)
        _until(lambda: server.http.get("/readyz").status_code == 503)
        assert server.http.get("/healthz").status_code == 200
        answer = server.segment(small)
        assert (answer.status_code, answer.json()["error"]) == (503, "the server is about to end")
        assert [each.result().status_code for each in taken] == [200, 200]
        assert server.process.wait(9) == 0
        with pytest.raises(httpx.ConnectError):
            server.http.get("/healthz")
    assert [each["event"] for each in server.lines if each["event"] != "request"] == [
        "ending",
        "ended",
    ]


def test_a_client_that_leaves_makes_room(running, slow_model, small):
    with running(slow_model, "--workers", "1", "--threads", "1", "--queue", "1") as server:
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(server.segment, small)
            _until(lambda: server.metric("ppms_in_flight") == 1)
            with _connect(server) as client:
                head = f"POST /v1/segment HTTP/1.1\r\nHost: a\r\nContent-Length: {len(small)}"
                client.sendall(head.encode() + b"\r\n\r\n" + small)
                _until(lambda: server.metric("ppms_queue_length") == 1)
            _until(lambda: server.metric("ppms_queue_length") == 0)
            assert server.metric("ppms_clients_left_total") == 1
            assert first.result().status_code == 200
        assert server.metric('ppms_stage_seconds_count{stage="inference"}') == 1


def test_slow_clients_stop_nobody_and_are_cut(running, slow_model, small):
    options = ("--workers", "1", "--threads", "1", "--queue", "1", "--timeout", "2")
    with running(slow_model, *options) as server:
        clients = [_connect(server) for _ in range(64)]
        try:
            for client in clients[:32]:  # half a header
                client.sendall(b"POST /v1/segment HTTP/1.1\r\nHost: a\r\n")
            for client in clients[32:]:  # half a body
                client.sendall(
                    b"POST /v1/segment HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"
                )
                time.sleep(0.02)
            time.sleep(0.6)
            assert server.segment(small).status_code == 200
            answers = []
            for client in clients:
                client.settimeout(9)
                answers.append(b"".join(iter(lambda c=client: c.recv(4096), b"")))
        finally:
            for client in clients:
                client.close()
    assert set(answers[:32]) == {b""}
    found = {each.partition(b"\r\n")[0] for each in answers[32:]}
    assert found <= {b"HTTP/1.1 408 Request Timeout", b"HTTP/1.1 503 Service Unavailable"}
    assert b"HTTP/1.1 408 Request Timeout" in found


def test_a_model_that_takes_too_long_is_stopped(running, looping_model, tmp_path, small):
    model = tmp_path / "endless.onnx"
    model.write_bytes(looping_model(1 << 40))
    with running(model, "--timeout", "1", "--workers", "1", "--threads", "1") as server:
        answer = server.segment(small)
        assert answer.status_code == 504
        assert " 1 s" in answer.json()["error"]


def test_ctrl_c_ends_it_too(running, slow_model):
    with running(slow_model) as server:
        server.http.get("/healthz")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(9) == 130
        server._reading.join()
        assert server.log[0].endswith("; Ctrl-C ends it.\n")
        assert server.log[-1] == "interrupted\n"
