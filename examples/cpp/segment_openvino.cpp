// Segments a picture with OpenVINO: class ids of every pixel, at the picture's own size.
//
//   segment_openvino MODEL PICTURE LABELS.png
//
// MODEL comes with its sidecar and its label head: ppms-export CHECKPOINT --sidecar --label-head
#include <cstring>
#include <exception>
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <openvino/openvino.hpp>

#include "picture.hpp"

namespace {

// OpenVINO computes in bf16 by itself where the processor can, which moves labels at borders.
const auto exact = ov::hint::inference_precision(ov::element::f32);

ov::Tensor of_two(int64_t first, int64_t second) {
    ov::Tensor tensor(ov::element::i64, {2});
    tensor.data<int64_t>()[0] = first;
    tensor.data<int64_t>()[1] = second;
    return tensor;
}

cv::Mat segment(ov::Core& core, const std::string& model_path, const cv::Mat& picture_bgr) {
    const Sidecar sidecar = read_sidecar(model_path);
    // Keep both compiled models, and a request for each thread, for as long as the program runs.
    auto network = core.compile_model(model_path, "CPU", exact);
    auto head = core.compile_model(label_head_path(model_path), "CPU", exact);

    const Prepared prepared = prepare(picture_bgr, sidecar);
    ov::Tensor tensor(sidecar.takes_bytes ? ov::element::u8 : ov::element::f32, ov::Shape(prepared.shape));
    std::memcpy(tensor.data(), prepared.bytes.data(), prepared.bytes.size());
    auto request = network.create_infer_request();
    request.set_tensor(sidecar.input_name, tensor);
    request.infer();

    auto labelling = head.create_infer_request();
    labelling.set_tensor("logits", request.get_tensor("logits"));
    labelling.set_tensor("resized_hw", of_two(prepared.resized.height, prepared.resized.width));
    labelling.set_tensor("size_hw", of_two(prepared.original.height, prepared.original.width));
    labelling.infer();
    ov::Tensor labels = labelling.get_tensor("labels");
    if (labels.get_element_type() == ov::element::u8) {  // up to 256 classes
        return cv::Mat(prepared.original, CV_8U, labels.data()).clone();
    }
    cv::Mat narrow;
    cv::Mat(prepared.original, CV_32S, labels.data()).convertTo(narrow, CV_16U);
    return narrow;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: segment_openvino MODEL PICTURE LABELS.png\n";
        return 2;
    }
    try {
        const cv::Mat picture_bgr = cv::imread(argv[2], cv::IMREAD_COLOR);
        if (picture_bgr.empty()) {
            throw std::runtime_error(std::string("cannot read the picture ") + argv[2]);
        }
        ov::Core core;
        if (!cv::imwrite(argv[3], segment(core, argv[1], picture_bgr))) {
            throw std::runtime_error(std::string("cannot write ") + argv[3]);
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << "\n";
        return 1;
    }
}
