// Segments a picture with ONNX Runtime: class ids of every pixel, at the picture's own size.
//
//   segment_onnxruntime MODEL PICTURE LABELS.png
//
// MODEL comes with its sidecar and its label head: ppms-export CHECKPOINT --sidecar --label-head
#include <onnxruntime_cxx_api.h>

#include <array>
#include <exception>
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "picture.hpp"

namespace {

const Ort::MemoryInfo& memory() {
    static const auto info = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    return info;
}

Ort::Value of_two(std::array<int64_t, 2>& numbers) {
    const std::array<int64_t, 1> shape{2};
    return Ort::Value::CreateTensor(memory(), numbers.data(), numbers.size(), shape.data(), shape.size());
}

cv::Mat segment(const Ort::Env& env, const std::string& model_path, const cv::Mat& picture_bgr) {
    const Sidecar sidecar = read_sidecar(model_path);
    // Keep both sessions for as long as the program runs; Run may be called from several threads.
    const std::basic_string<ORTCHAR_T> network_path(model_path.begin(), model_path.end());
    const std::string head = label_head_path(model_path);
    const std::basic_string<ORTCHAR_T> head_path(head.begin(), head.end());
    Ort::Session network(env, network_path.c_str(), Ort::SessionOptions{});
    Ort::Session labelling(env, head_path.c_str(), Ort::SessionOptions{});

    Prepared prepared = prepare(picture_bgr, sidecar);
    const std::vector<int64_t> shape(prepared.shape.begin(), prepared.shape.end());
    const auto type = sidecar.takes_bytes ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    const auto input = Ort::Value::CreateTensor(memory(), prepared.bytes.data(), prepared.bytes.size(), shape.data(),
                                                shape.size(), type);
    const char* input_name = sidecar.input_name.c_str();
    const char* logits_name = "logits";
    auto logits = network.Run(Ort::RunOptions{}, &input_name, &input, 1, &logits_name, 1);

    std::array<int64_t, 2> resized_hw{prepared.resized.height, prepared.resized.width};
    std::array<int64_t, 2> size_hw{prepared.original.height, prepared.original.width};
    const std::array<const char*, 3> names{"logits", "resized_hw", "size_hw"};
    const std::array<Ort::Value, 3> values{std::move(logits[0]), of_two(resized_hw), of_two(size_hw)};
    const char* labels_name = "labels";
    auto labels = labelling.Run(Ort::RunOptions{}, names.data(), values.data(), 3, &labels_name, 1);
    void* ids = labels[0].GetTensorMutableRawData();
    if (labels[0].GetTensorTypeAndShapeInfo().GetElementType() == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8) {
        return cv::Mat(prepared.original, CV_8U, ids).clone();  // up to 256 classes
    }
    cv::Mat narrow;
    cv::Mat(prepared.original, CV_32S, ids).convertTo(narrow, CV_16U);
    return narrow;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: segment_onnxruntime MODEL PICTURE LABELS.png\n";
        return 2;
    }
    try {
        const cv::Mat picture_bgr = cv::imread(argv[2], cv::IMREAD_COLOR);
        if (picture_bgr.empty()) {
            throw std::runtime_error(std::string("cannot read the picture ") + argv[2]);
        }
        const Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "ppmobileseg");
        if (!cv::imwrite(argv[3], segment(env, argv[1], picture_bgr))) {
            throw std::runtime_error(std::string("cannot write ") + argv[3]);
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << "\n";
        return 1;
    }
}
