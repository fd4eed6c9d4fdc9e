"""The page of a server: its files, its sidecar, and the folder that may stand in its place."""

import json

import pytest

from ppmobileseg_deploy.cli.ppms import main


def test_the_page_is_shown_with_its_headers(server):
    page = server.http.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cross-origin-embedder-policy"] == "require-corp"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    script = server.http.get("/remote_engine.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


def test_the_sidecar_names_the_classes_and_the_server(server, expected):
    sidecar = server.http.get("/end2end.json").json()
    assert [each["name"] for each in sidecar["classes"]] == list(expected.names)
    assert sidecar["server"] == {"infer": "v2/models/ppmobileseg_tiny_demo/infer", "only": True}
    assert sidecar["model"]["sha256"] == server.http.get("/v1/model").json()["sha256"]


@pytest.mark.parametrize(
    "path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/page", "/x.js"]
)
def test_nothing_else_is_shown(server, path):
    answer = server.http.get(path)
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def _folder(path, sidecar):
    path.mkdir()
    (path / "index.html").write_text("another page")
    (path / "end2end.json").write_text(sidecar)
    return path


def test_a_folder_of_ones_own_is_shown_in_its_place(running, slow_model, tmp_path):
    sidecar = {"model": {"file": "a.onnx"}, "classes": [{"name": "red"}]}
    sidecar["classes"] += [{"name": "green"}, {"name": "blue"}]
    folder = _folder(tmp_path / "page", json.dumps(sidecar))
    (folder / "onnxruntime").mkdir()
    (folder / "onnxruntime" / "a.wasm").write_bytes(b"code")
    with running(slow_model, "--page", str(folder)) as server:
        part = server.http.get("/onnxruntime/a.wasm")
        assert (part.content, part.headers["content-type"]) == (b"code", "application/wasm")
        assert server.http.get("/onnxruntime/").status_code == 404
        assert server.http.get("/").text == "another page"
        found = server.http.get("/end2end.json").json()
        assert found == {**sidecar, "server": {"infer": "v2/models/slow/infer", "only": False}}
        assert server.http.get("/app.js").status_code == 404


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ("{", "found no sidecar that can be read at "),
        ("[]", "found no sidecar that can be read at "),
        ('{"classes": [{"name": "sky"}]}', "of the model's 3 classes, found one of 1 others in "),
    ],
)
def test_a_page_of_another_model_is_refused(
    monkeypatch, capsys, slow_model, tmp_path, sidecar, message
):
    folder = _folder(tmp_path / "page", sidecar)
    arguments = ["ppms", "serve", "-m", str(slow_model), "--port", "0", "--page", str(folder)]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert message in printed.err
    assert printed.err.startswith("error: expected a page ")
