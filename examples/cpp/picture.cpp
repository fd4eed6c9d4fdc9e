#include "picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

namespace {

std::string without_suffix(const std::string& path) {
    return path.substr(0, path.rfind('.'));
}

std::array<float, 3> three(const cv::FileNode& numbers) {
    return {static_cast<float>(numbers[0]), static_cast<float>(numbers[1]), static_cast<float>(numbers[2])};
}

int rounded_side(int side, double scale) {  // half up, as mmsegmentation does
    return std::max(1, static_cast<int>(side * scale + 0.5));
}

}  // namespace

std::string label_head_path(const std::string& model_path) {
    return without_suffix(model_path) + ".labels.onnx";
}

Sidecar read_sidecar(const std::string& model_path) {
    const std::string path = without_suffix(model_path) + ".json";
    const cv::FileStorage file(path, cv::FileStorage::READ);
    if (!file.isOpened()) {
        throw std::runtime_error("expected a sidecar at " + path + ": ppms-export --sidecar writes it");
    }
    if (static_cast<int>(file["schema_version"]) != 1) {
        throw std::runtime_error(path + ": expected schema version 1");
    }
    const cv::FileNode input = file["input"], resize = file["resize"];
    Sidecar sidecar{static_cast<std::string>(input["name"]),
                    static_cast<std::string>(input["dtype"]) == "uint8",
                    static_cast<std::string>(input["channel_order"]),
                    three(input["mean_rgb"]),
                    three(input["std_rgb"]),
                    static_cast<int>(resize["short_side"]),
                    static_cast<int>(resize["long_side"]),
                    static_cast<int>(file["classes"].size())};
    if (static_cast<std::string>(resize["rule"]) != "mmseg" ||
        static_cast<std::string>(resize["scaling"]) != "sides") {
        throw std::runtime_error(path + ": this program knows the rule of a short and a long side only");
    }
    return sidecar;
}

Prepared prepare(const cv::Mat& picture_bgr, const Sidecar& sidecar) {
    const cv::Size original = picture_bgr.size();
    const double scale = std::min(static_cast<double>(sidecar.short_side) / std::min(original.width, original.height),
                                  static_cast<double>(sidecar.long_side) / std::max(original.width, original.height));
    const cv::Size resized(rounded_side(original.width, scale), rounded_side(original.height, scale));
    cv::Mat pixels;
    cv::resize(picture_bgr, pixels, resized, 0, 0, cv::INTER_LINEAR);
    const auto height = static_cast<size_t>(resized.height), width = static_cast<size_t>(resized.width);
    Prepared prepared{{}, {}, resized, original};
    if (sidecar.takes_bytes) {
        const auto& order = sidecar.channel_order;
        if (order == "rgb") {
            cv::cvtColor(pixels, pixels, cv::COLOR_BGR2RGB);
        } else if (order == "rgba") {
            cv::cvtColor(pixels, pixels, cv::COLOR_BGR2RGBA);
        } else if (order == "bgra") {
            cv::cvtColor(pixels, pixels, cv::COLOR_BGR2BGRA);
        }
        prepared.shape = {1, height, width, order.size()};
        prepared.bytes.assign(pixels.datastart, pixels.dataend);
        return prepared;
    }
    prepared.shape = {1, 3, height, width};
    prepared.bytes.resize(3 * height * width * sizeof(float));
    std::vector<cv::Mat> planes_bgr;
    cv::split(pixels, planes_bgr);
    for (size_t channel = 0; channel < 3; ++channel) {
        const bool is_rgb = sidecar.channel_order == "rgb";
        const size_t color = is_rgb ? channel : 2 - channel;  // of red, green, blue
        cv::Mat plane(resized, CV_32F, prepared.bytes.data() + channel * height * width * sizeof(float));
        planes_bgr[2 - color].convertTo(plane, CV_32F);
        plane = (plane - sidecar.mean_rgb[color]) / sidecar.std_rgb[color];
    }
    return prepared;
}
