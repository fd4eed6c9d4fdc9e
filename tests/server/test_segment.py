"""POST /v1/segment answers as the runtime does, in every format, to every way of sending."""

import io
import json
import socket

import cv2
import numpy as np
import pytest
from PIL import Image


def _decoded(content, flag=cv2.IMREAD_UNCHANGED):
    return cv2.imdecode(np.frombuffer(content, np.uint8), flag)


def test_json_is_the_runtimes(server, photo, expected):
    answer = server.segment(photo)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    record, wanted = answer.json(), expected.to_dict()
    del record["speed_ms"], wanted["speed_ms"]
    assert record == wanted


def test_labels_are_the_runtimes(server, photo, expected):
    answer = server.segment(photo, format="labels")
    assert answer.headers["content-type"] == "image/png"
    np.testing.assert_array_equal(_decoded(answer.content), expected.labels)


def test_indexed_labels_are_the_runtimes(server, photo, expected):
    image = Image.open(io.BytesIO(server.segment(photo, format="indexed").content))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), expected.labels)


def test_run_lengths_are_the_runtimes(server, photo, expected):
    assert server.segment(photo, format="rle").json() == expected.to_rle()


def test_an_overlay_is_drawn_as_it_was_asked_for(server, photo, expected):
    answer = server.segment(photo, format="overlay", opacity=0.8, classes="sky,tree")
    assert answer.headers["content-type"] == "image/jpeg"
    wanted = expected.encode("jpg", 0.8, classes=["sky", "tree"])
    assert answer.content == wanted


def test_colours_are_transparent_where_classes_are_left_out(server, photo, expected):
    answer = server.segment(photo, format="color", classes="sky")
    picture = _decoded(answer.content)
    sky = expected.names.index("sky")
    np.testing.assert_array_equal(picture[..., 3] > 0, expected.labels == sky)


def test_a_form_is_taken_as_the_content_alone_is(server, photo, expected):
    answer = server.http.post(
        "/v1/segment?format=labels", files={"file": ("a.png", photo)}, data={"note": "ignored"}
    )
    np.testing.assert_array_equal(_decoded(answer.content), expected.labels)


def test_a_body_without_a_stated_length_is_taken(server, photo, expected):
    pieces = (photo[i : i + 1000] for i in range(0, len(photo), 1000))
    answer = server.http.post("/v1/segment?format=labels", content=pieces)
    np.testing.assert_array_equal(_decoded(answer.content), expected.labels)


def test_the_model_is_described(server, expected):
    found = server.http.get("/v1/model").json()
    assert found["name"] == "ppmobileseg_tiny_demo"
    assert [each["name"] for each in found["classes"]] == list(expected.names)
    assert found["classes"][2] == {
        "id": 2,
        "name": "sky",
        "color_rgb": list(expected.palette_rgb[2]),
    }
    assert found["limits"]["workers"] == 2
    assert len(found["sha256"]) == 64


def _form(content, field=b"file", boundary=b"xyz"):
    return (
        b'--xyz\r\nContent-Disposition: form-data; name="%s"; filename="a"\r\n\r\n' % field
        + content
        + b"\r\n--%s--\r\n" % boundary
    )


_FORM = {"Content-Type": "multipart/form-data; boundary=xyz"}
_IN_THE_ADDRESS = "expected 'format' in the address, as in ?format=..., found it in the form"


@pytest.mark.parametrize(
    ("query", "content", "headers", "status", "message"),
    [
        ("", b"", {}, 415, "expected a JPEG, PNG, WebP, BMP, TIFF, GIF, PGM or PPM image, found"),
        ("", b"<svg/>", {}, 415, "found something else"),
        ("", b"\x89PNG\r\n\x1a\nrest", {}, 422, "cannot read the image: "),
        ("?format=jpeg", b"", {}, 422, "expected a format of json, labels, indexed, overlay, "),
        ("?classes=sk", b"", {}, 422, "found 'sk': did you mean 'sky'"),
        ("?opacity=2", b"", {}, 422, "expected an opacity in [0, 1], found 2.0"),
        ("?opacity=nan", b"", {}, 422, "expected an opacity in [0, 1], found nan"),
        ("?opacity=x", b"", {}, 422, "opacity: Input should be a valid number"),
        ("?opacty=0.8", b"", {}, 422, "expected the parameters format, classes, opacity, "),
        ("?Format=labels&x=1", b"", {}, 422, "min_area, url, found 'Format', 'x'"),
        ("?url=http://example.org/a.jpg", b"", {}, 403, "this server fetches none"),
        ("", b"x", {"Content-Encoding": "gzip"}, 415, "expected a body without Content-Encoding"),
        ("", b"", _FORM, 422, "expected a form with a field 'file', found none"),
        ("", _form(b"x", b"image"), _FORM, 422, "a field 'file', found 'image'"),
        ("", _form(b"labels", b"format")[:-9] + _form(b"x"), _FORM, 422, _IN_THE_ADDRESS),
        ("", _form(b"x")[:-9] + _form(b"y"), _FORM, 422, "one field 'file', found 2"),
        ("", _form(b"x"), _FORM, 415, "found something else"),
        ("", b"no form", _FORM, 400, "expected a form (multipart/form-data), found a fault"),
        ("", b"x", {"Content-Type": "multipart/form-data"}, 400, "Missing boundary"),
    ],
)
def test_what_cannot_be_segmented_is_one_line(server, query, content, headers, status, message):
    answer = server.http.post(f"/v1/segment{query}", content=content, headers=headers)
    assert answer.status_code == status
    (line,) = answer.json().values()
    assert message in line
    assert line.isprintable()
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/segment", 405), ("GET", "/none", 404), ("GET", "/%00%0A%1b", 404)],
)
def test_what_there_is_not_is_one_line(server, method, path, status):
    answer = server.http.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"].isprintable()


def test_what_is_no_http_is_one_line(server):
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 10) as client:
        client.sendall(b"nonsense\r\n\r\n")
        answer = client.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert list(json.loads(body)) == ["error"]


def test_large_images_and_bodies_are_refused(running, slow_model, small):
    with running(slow_model, "--max-body", "2k", "--max-pixels", "1000") as server:
        answer = server.segment(small)
        assert (answer.status_code, answer.json()["error"]) == (
            413,
            "cannot read the image: expected 1 to 1000 pixels, found 32x32",
        )
        for content in (b"x" * 2049, iter([b"x" * 1000] * 3)):
            answer = server.segment(content)
            assert answer.status_code == 413
            assert answer.json()["error"].startswith("expected a body of at most 2048 bytes, ")
        assert server.segment(b"x" * 2048).status_code == 415
