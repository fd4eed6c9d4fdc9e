// From a picture to a model's input, by what the sidecar says; the same for every inference library.
#pragma once

#include <array>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

// What NAME.json beside NAME.onnx says, as far as a program needs it.
struct Sidecar {
    std::string input_name;
    bool takes_bytes;                 // NHWC uint8, normalised by the file; else NCHW float32
    std::string channel_order;        // rgb, bgr, rgba, bgra
    std::array<float, 3> mean_rgb, std_rgb;
    int short_side, long_side;        // the resize rule, in pixels
    int num_classes;
};

// A picture as the model takes it.
struct Prepared {
    std::vector<unsigned char> bytes;  // of the tensor: uint8 or float32
    std::vector<size_t> shape;         // (1, height, width, channels) or (1, 3, height, width)
    cv::Size resized, original;
};

// Throws std::runtime_error if there is no sidecar, or it describes what this program does not do.
Sidecar read_sidecar(const std::string& model_path);

// Scales, orders the channels and normalises. The file pads.
Prepared prepare(const cv::Mat& picture_bgr, const Sidecar& sidecar);

// The path of the label head that `ppms-export --label-head` writes beside a model.
std::string label_head_path(const std::string& model_path);
