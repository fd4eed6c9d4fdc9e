"""Label Studio's ML backend: tasks in, predictions with the runtime's labels out."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ppmobileseg_deploy.runtime.results.annotations.label_studio import pack_mask
from ppmobileseg_deploy.server.label_studio import read_labelling
from ppmobileseg_deploy.server.problems import RequestError

CONFIG = (
    '<View><Header value="Draw"/><Image name="photo" value="$picture"/>'
    '<BrushLabels name="brush" toName="photo">{labels}</BrushLabels></View>'
)
DEMO_MODEL = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.onnx"
TOKEN = "a token of Label Studio"


def config(*labels: str) -> str:
    return CONFIG.format(labels="".join(f'<Label value="{each}"/>' for each in labels))


def task(image: object) -> dict:
    return {"id": 1, "data": {"picture": image}}


def as_data(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def predict(server, *tasks, labels=("sky", "Tree"), **more):
    body = {"tasks": list(tasks), "label_config": config(*labels), "params": {}, **more}
    return server.http.post("/predict", json=body)


@pytest.fixture(scope="module")
def label_studio(photo) -> Iterator[str]:
    """The address of what gives a photograph to those who have the token."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("Authorization") == f"Token {TOKEN}"
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(photo)))
            self.end_headers()
            self.wfile.write(photo)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def test_the_backend_is_up(server):
    answer = server.http.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "UP")


def test_setup_checks_the_configuration(server):
    answer = server.http.post("/setup", json={"project": "1", "schema": config("sky")})
    assert answer.json() == {"model_version": "ppmobileseg_tiny_demo.onnx"}
    refused = server.http.post("/setup", json={"project": "1", "schema": config("dog breed")})
    assert refused.status_code == 422
    assert "expected labels that are classes of the model, such as 'wall'" in refused.text


def test_predictions_are_the_runtimes_labels(server, photo, expected):
    answer = predict(server, task(as_data(photo)), task(as_data(photo)))
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["results"]
    assert first == second
    assert first["model_version"] == "ppmobileseg_tiny_demo.onnx"
    masks = {each["value"]["brushlabels"][0]: each["value"]["rle"] for each in first["result"]}
    # Spelled as the project does; classes without a label are left out.
    assert masks == {
        label: pack_mask(expected.mask(label))
        for label in ("sky", "Tree")
        if expected.mask(label).any()
    }
    assert masks
    for each in first["result"]:
        assert (each["from_name"], each["to_name"]) == ("brush", "photo")
        assert (each["original_height"], each["original_width"]) == expected.orig_shape


def test_images_of_label_studio_are_fetched_with_the_token(
    running, label_studio, photo, expected, monkeypatch
):
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    model = DEMO_MODEL
    with running(model, "--label-studio", f"{label_studio}/") as server:
        for image in ("/data/upload/1/a.png", f"{label_studio}/data/local-files/?d=a.png"):
            answer = predict(server, task(image), labels=("sky",))
            assert answer.status_code == 200, answer.text
            (region,) = answer.json()["results"][0]["result"]
            assert region["value"]["rle"] == pack_mask(expected.mask("sky"))
        # No other host is trusted for that.
        refused = predict(server, task("http://127.0.0.1:9/a.png"))
        assert (refused.status_code, "fetches none" in refused.text) == (403, True)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "another")
    with running(model, "--label-studio", label_studio) as server:
        answer = predict(server, task("/data/upload/1/a.png"))
        assert (answer.status_code, "expected status 200, found 401" in answer.text) == (422, True)
        assert "another" not in answer.text


def test_images_are_bounded_together(running, label_studio, photo, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    limit = str(int(1.5 * len(photo)))
    with running(DEMO_MODEL, "--label-studio", label_studio, "--max-body", limit) as server:
        one = task("/a.png")
        assert predict(server, one).status_code == 200
        refused = predict(server, one, one)
        assert (refused.status_code, "bytes together" in refused.text) == (413, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "expected an object in JSON"),
        (b"[" * 50_000, "expected an object in JSON"),
        (b"{}", "expected a labelling configuration, found None"),
    ],
)
@pytest.mark.parametrize("route", ["/predict", "/setup"])
def test_what_label_studio_would_not_send_is_refused(server, route, body, message):
    answer = server.http.post(route, content=body)
    assert answer.status_code == 422
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([], "expected 1 to 64 tasks, found 0"),
        ([{}] * 65, "expected 1 to 64 tasks, found 65"),
        (["x"], "expected the image in a task's data as 'picture'"),
        ([{"data": {"image": "a"}}], "expected the image in a task's data as 'picture'"),
        ([task("/data/a.png")], "--label-studio URL says where"),
        ([task("s3://bucket/a.png")], "expected the address of an image"),
        ([task("data:image/png;base64,?")], "expected an image in base64"),
        ([task("data:image/png;base64,AAAA")], "expected a JPEG, PNG"),
    ],
)
def test_tasks_without_an_image_are_refused(server, tasks, message):
    answer = predict(server, *tasks)
    assert 400 <= answer.status_code < 500
    assert message in answer.json()["error"]


def test_a_key_is_wanted_as_password(running, tmp_path):
    (tmp_path / "keys.txt").write_text("0123456789abcdef0123\n")
    model = DEMO_MODEL
    with running(model, "--api-key-file", str(tmp_path / "keys.txt")) as server:
        assert server.http.get("/health").status_code == 200
        body = {"schema": config("sky")}
        assert server.http.post("/setup", json=body).status_code == 401
        for password, status in (("0123456789abcdef0123", 200), ("wrong", 401)):
            answer = server.http.post("/setup", json=body, auth=("anybody", password))
            assert answer.status_code == status
        broken = server.http.post("/setup", json=body, headers={"Authorization": "Basic ?"})
        assert broken.status_code == 401


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<View>", "expected a labelling configuration in XML"),
        ("<View/>", "expected <BrushLabels>"),
        ('<BrushLabels name="a" toName="b"/>', "expected <Image>"),
        (
            '<V><Image name="b" value="a.png"/><BrushLabels name="a" toName="b"/></V>',
            "expected <Image>",
        ),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "without entities"),
        ("<a>" + "<b/>" * 10_001 + "</a>", "expected at most 10000 tags"),
        (7, "expected a labelling configuration, found 7"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(text, message):
    with pytest.raises(RequestError, match=message):
        read_labelling(text)


def test_polygons_and_cutouts_are_the_runtimes(server, photo, expected):
    answer = server.segment(photo, format="polygons", tolerance=0, min_area=30, classes="sky")
    assert answer.headers["content-type"] == "application/json"
    wanted = expected.to_polygons(0, min_area=30, classes="sky")
    assert [each["exterior"] for each in answer.json()["polygons"]] == [
        each.exterior.tolist() for each in wanted
    ]
    cutout = server.segment(photo, format="cutout", classes="sky")
    assert cutout.content == expected.encode("png", kind="cutout", classes="sky")
    refused = server.segment(photo, format="cutout")
    assert (refused.status_code, "expected classes for cutout" in refused.text) == (422, True)
    assert server.segment(photo, format="polygons", tolerance=-1).status_code == 422


def test_classes_are_merged_in_all_answers(running, photo, expected, tmp_path):
    merged = {"up": ["sky"], "down": "*"}
    (tmp_path / "m.json").write_text(json.dumps(merged))
    with running(DEMO_MODEL, "--merge", str(tmp_path / "m.json")) as server:
        classes = server.http.get("/v1/model").json()["classes"]
        assert [each["name"] for each in classes] == ["up", "down"]
        found = server.segment(photo).json()["classes"]
        wanted = expected.merged(merged).to_dict()["classes"]
        assert found == wanted
        (region,) = predict(server, task(as_data(photo)), labels=("up",)).json()["results"][0][
            "result"
        ]
        assert region["value"]["rle"] == pack_mask(expected.mask("sky"))
