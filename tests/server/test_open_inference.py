"""The Open Inference Protocol, spoken by Triton's own client and by hand."""

import base64
import json

import cv2
import numpy as np
import pytest
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from ppmobileseg_deploy.server.tensors import InferRequest, write_answer

MODEL = "ppmobileseg_tiny_demo"


@pytest.fixture(scope="module")
def client(server):
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    yield client
    client.close()


@pytest.fixture(scope="module")
def image_rgb(photo):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(photo, np.uint8), 1), cv2.COLOR_BGR2RGB)


def test_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready("another")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    found = client.get_model_metadata(MODEL, "1")
    assert found["versions"] == ["1"]
    assert found["inputs"] == [{"name": "image", "datatype": "UINT8", "shape": [-1, -1, 3]}]
    assert [each["datatype"] for each in found["outputs"]] == ["UINT8", "BYTES"]


@pytest.mark.parametrize("binary_input", [True, False])
@pytest.mark.parametrize("binary_output", [True, False])
@pytest.mark.parametrize("encoded", [True, False])
def test_inference(client, image_rgb, photo, expected, binary_input, binary_output, encoded):
    if encoded:
        tensor = triton.InferInput("image", [1], "BYTES")
        element = photo if binary_input else base64.b64encode(photo)
        tensor.set_data_from_numpy(np.array([element], object), binary_data=binary_input)
    else:
        tensor = triton.InferInput("image", list(image_rgb.shape), "UINT8")
        tensor.set_data_from_numpy(image_rgb, binary_data=binary_input)
    wanted = [
        triton.InferRequestedOutput(name, binary_data=binary_output)
        for name in ("labels", "areas")
    ]
    found = client.infer(MODEL, [tensor], outputs=wanted, request_id="a-1")
    assert found.get_response()["id"] == "a-1"
    np.testing.assert_array_equal(found.as_numpy("labels"), expected.labels)
    assert found.as_numpy("labels").dtype == np.uint8
    (areas,) = found.as_numpy("areas")
    assert json.loads(areas) == expected.areas()


def test_outputs_are_all_unless_some_are_wanted(client, image_rgb, expected):
    tensor = triton.InferInput("image", list(image_rgb.shape), "UINT8")
    tensor.set_data_from_numpy(image_rgb)
    found = client.infer(MODEL, [tensor])
    assert [each["name"] for each in found.get_response()["outputs"]] == ["labels", "areas"]
    one = client.infer(MODEL, [tensor], outputs=[triton.InferRequestedOutput("areas")])
    assert one.as_numpy("labels") is None
    assert found.as_numpy("areas") == one.as_numpy("areas")
    with pytest.raises(InferenceServerException, match="outputs of labels, areas, found 'mask'"):
        client.infer(MODEL, [tensor], outputs=[triton.InferRequestedOutput("mask")])
    with pytest.raises(InferenceServerException, match="expected model 'ppmobileseg_tiny_demo'"):
        client.infer("another", [tensor])
    with pytest.raises(InferenceServerException, match="without Content-Encoding"):
        client.infer(MODEL, [tensor], request_compression_algorithm="gzip")


def _image(**changed):
    given = {"name": "image", "shape": [1, 1, 3], "datatype": "UINT8", "data": [1, 2, 3]}
    return {**given, **changed}


_BINARY = {"data": None, "parameters": {"binary_data_size": 3}}


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ([], 400, "an object as a request, found list"),
        ({}, 400, "a list as inputs, found None"),
        ({"inputs": []}, 400, "expected one input, 'image', found none"),
        ({"inputs": [_image(name="input")]}, 400, "expected one input, 'image', found 'input'"),
        ({"inputs": [_image(), _image()]}, 400, "expected one input"),
        ({"inputs": [3]}, 400, "an object as an input, found 3"),
        ({"inputs": [_image(datatype="FP32")]}, 400, "datatype UINT8 or BYTES for 'image'"),
        ({"inputs": [_image(shape=[3])]}, 400, "a shape [height, width, 3] for 'image'"),
        ({"inputs": [_image(shape=[0, 1, 3], data=[])]}, 400, "a shape [height, width, 3]"),
        ({"inputs": [_image(shape=[1, True, 3])]}, 400, "whole numbers as the shape of 'image'"),
        ({"inputs": [_image(shape=[-1, -1, 3])]}, 400, "whole numbers as the shape of 'image'"),
        ({"inputs": [_image(shape="x")]}, 400, "a list as the shape of 'image', found 'x'"),
        ({"inputs": [_image(data=[1, 2])]}, 400, "3 numbers for 'image', found 2"),
        ({"inputs": [_image(data=[[[1, 2, 3], [4, 5, 6]]])]}, 400, "3 numbers for 'image'"),
        ({"inputs": [_image(data=[1, 2, 256])]}, 400, "whole numbers from 0 to 255"),
        ({"inputs": [_image(data=[1, 2, 0.5])]}, 400, "whole numbers from 0 to 255"),
        ({"inputs": [_image(data=[[1], 2, 3])]}, 400, "lists of one depth"),
        ({"inputs": [_image(data=[1, [2], 3])]}, 400, "whole numbers from 0 to 255"),
        (
            {"inputs": [_image(**_BINARY)]},
            400,
            "a binary_data_size of 0 to 0 for 'image', found 3",
        ),
        (
            {"inputs": [_image(parameters={"shared_memory_region": "a"})]},
            400,
            "tensors in the request, found 'shared memory'",
        ),
        ({"inputs": [_image(datatype="BYTES", data=["x"])]}, 400, "a shape of one element"),
        (
            {"inputs": [_image(datatype="BYTES", shape=[1], data=["\u00e9"])]},
            400,
            "base64 for 'image'",
        ),
        ({"inputs": [_image(datatype="BYTES", shape=[1], data=["aGk="])]}, 415, "expected a JPEG"),
        ({"inputs": [_image()], "outputs": [{"name": "x"}]}, 400, "outputs of labels, areas"),
        ({"inputs": [_image()], "outputs": {}}, 400, "a list as outputs"),
        ({"inputs": [_image()], "id": 7}, 400, "text as an id, found 7"),
    ],
)
def test_what_makes_no_sense_is_one_line(server, asked, status, message):
    answer = server.http.post(f"/v2/models/{MODEL}/infer", json=asked)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "header", "message"),
    [
        (b"{", None, "expected JSON, found something else"),
        (b"[" * 100_000, None, "expected JSON, found something else"),
        (b"\xff", None, "expected JSON, found something else"),
        (b"{}", "3", "expected Inference-Header-Content-Length of 0 to 2, found 3"),
        (b"{}", "-1", "expected Inference-Header-Content-Length of a number, found '-1'"),
        (b'{"inputs":[]}x', "13", "binary data as long as the inputs say"),
    ],
)
def test_bodies_that_make_no_sense_are_one_line(server, content, header, message):
    headers = {} if header is None else {"Inference-Header-Content-Length": header}
    answer = server.http.post(f"/v2/models/{MODEL}/infer", content=content, headers=headers)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_a_long_json_is_refused_before_it_is_read(server):
    answer = server.http.post(f"/v2/models/{MODEL}/infer", content=b" " * (16 << 20) + b"{")
    assert answer.status_code == 413
    assert "send tensors as binary data" in answer.json()["error"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_are_written_as_they_are(dtype):
    labels = np.array([[0, 7, 99], [100, 255, 3]], dtype) + dtype(300 if dtype is np.uint16 else 0)
    body, length = write_answer([("labels", labels)], InferRequest("", (), None, False), "m", "1")
    (output,) = json.loads(body)["outputs"]
    assert (length, output["datatype"]) == (None, f"UINT{labels.itemsize * 8}")
    np.testing.assert_array_equal(np.reshape(output["data"], output["shape"]), labels)
