// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes zchunk files: an input is read as one, and its index and chunks are read in a file whose checksums are right,
// which no mutation would find. Agreement: what is opened is as long as the header says.
#include "base/zchunk.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/zchunk_words.h"

using namespace smith;
using test::raw_sha256;
using test::zchunk_number;

namespace {

/// A header around `preface`, which follows the checksum of all data.
std::string file_of(const std::string& preface, const std::string& data) {
    const std::string body = std::string(32, '\0') + preface;
    const std::string lead = std::string("\0ZCK1", 5) + zchunk_number(1) + zchunk_number(body.size());
    return lead + raw_sha256(lead + body) + body + data;
}

/// The first half is the dictionary, the rest the only chunk; the first two bytes say how long they claim to be,
/// opened.
std::string with_chunks(const std::string& input) {
    const std::string dictionary = input.substr(2, input.size() / 2 - 1);
    const std::string chunk = input.substr(2 + dictionary.size());
    const auto opened = [&](std::size_t at) { return std::uint64_t{static_cast<unsigned char>(input[at])} * 16 + 1; };
    std::string index = zchunk_number(1) + zchunk_number(2);
    index +=
        raw_sha256(dictionary) + zchunk_number(dictionary.size()) + zchunk_number(dictionary.empty() ? 0 : opened(0));
    index += raw_sha256(chunk) + zchunk_number(chunk.size()) + zchunk_number(chunk.empty() ? 0 : opened(1));
    return file_of(zchunk_number(0) + zchunk_number(2) + zchunk_number(index.size()) + index + zchunk_number(0),
                   dictionary + chunk);
}

void read_all(const std::string& file) {
    const UniqueFd fd(::memfd_create("zchunk", MFD_CLOEXEC));
    if (fd.get() < 0 || ::write(fd.get(), file.data(), file.size()) != static_cast<ssize_t>(file.size())) std::abort();
    try {
        ZchunkReader reader(fd.get());
        std::vector<std::byte> buffer(1000);
        std::uint64_t count = 0;
        while (const std::size_t got = reader.read(buffer)) count += got;
        std::uint64_t announced = 0;
        const ZchunkHeader header = parse_zchunk_header(file);
        for (std::size_t i = 1; i < header.parts.size(); ++i) announced += header.parts[i].opened_size;
        if (count != announced || header.file_size != file.size()) std::abort();
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::format) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string input(data, data + size);
    read_all(input);
    read_all(file_of(input, input));
    if (input.size() > 4) read_all(with_chunks(input));
    return 0;
}
