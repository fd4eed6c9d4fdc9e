// Proves that OpenVINO answers as ONNX Runtime does: feeds golden/tensor.bin, compares with golden/output.bin.
//
//   check_openvino MODEL GOLDEN_FOLDER HEIGHT WIDTH
//
// Height and width are those of the tensor, as golden.json has them. Needs nothing but OpenVINO.
// Ends with 0 if at least 99.9 % of the labels are equal.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <openvino/openvino.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::vector<char> bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

// Class id number `index` of an int64, int32 or uint8 output.
int64_t label(const void* ids, const ov::element::Type& type, size_t index) {
    if (type == ov::element::i64) {
        return static_cast<const int64_t*>(ids)[index];
    }
    if (type == ov::element::i32) {
        return static_cast<const int32_t*>(ids)[index];
    }
    if (type == ov::element::u8) {
        return static_cast<const uint8_t*>(ids)[index];
    }
    throw std::runtime_error("expected labels as the first output, found " + type.get_type_name());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: check_openvino MODEL GOLDEN_FOLDER HEIGHT WIDTH\n";
        return 2;
    }
    try {
        const std::string folder = argv[2];
        const auto height = std::strtoull(argv[3], nullptr, 10), width = std::strtoull(argv[4], nullptr, 10);
        ov::Core core;
        // OpenVINO computes in bf16 by itself where the processor can, which moves labels at borders.
        auto model = core.compile_model(argv[1], "CPU", ov::hint::inference_precision(ov::element::f32));
        const auto input = model.input();
        const bool takes_bytes = input.get_element_type() == ov::element::u8;
        const ov::PartialShape declared = input.get_partial_shape();
        const ov::Shape shape = takes_bytes
                                    ? ov::Shape{1, height, width, static_cast<size_t>(declared[3].get_length())}
                                    : ov::Shape{1, 3, height, width};
        ov::Tensor tensor(input.get_element_type(), shape);
        const auto given = bytes_of(folder + "/tensor.bin");
        if (given.size() != tensor.get_byte_size()) {
            throw std::runtime_error("expected tensor.bin of " + std::to_string(tensor.get_byte_size()) +
                                     " bytes, found " + std::to_string(given.size()));
        }
        std::memcpy(tensor.data(), given.data(), given.size());

        auto request = model.create_infer_request();
        request.set_input_tensor(tensor);
        request.infer();
        const ov::Tensor found = request.get_output_tensor(0);

        const auto expected = bytes_of(folder + "/output.bin");
        if (expected.size() != found.get_byte_size()) {
            throw std::runtime_error("expected an output of " + std::to_string(expected.size()) + " bytes, found " +
                                     std::to_string(found.get_byte_size()));
        }
        size_t equal = 0;
        for (size_t index = 0; index < found.get_size(); ++index) {
            equal += label(found.data(), found.get_element_type(), index) ==
                     label(expected.data(), found.get_element_type(), index);
        }
        const double share = static_cast<double>(equal) / static_cast<double>(found.get_size());
        std::cout << equal << " of " << found.get_size() << " labels equal\n";
        return share >= 0.999 ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << "\n";
        return 1;
    }
}
