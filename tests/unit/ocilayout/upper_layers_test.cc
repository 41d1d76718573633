// SPDX-License-Identifier: Apache-2.0
//
// What upper layers say is what all layers together say, or they don't say it. Held against LayerStack on stacks that
// are made up, a few thousand of them, the same ones every time.
#include "ocilayout/upper_layers.h"

#include <array>
#include <catch2/catch.hpp>
#include <optional>
#include <random>

#include "base/error.h"
#include "ocilayout/layer_stack.h"
#include "ocilayout/tar_reader.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

using Certainty = UpperLayers::Certainty;

/// Layers, and what becomes of them. Nothing is written but one file without a name.
class TestLayers {
public:
    explicit TestLayers(std::vector<RawTar> layers) : layers_(std::move(layers)) {}

    [[nodiscard]] UpperLayers upper(std::size_t first) const {
        UpperLayers out;
        std::array<std::byte, 512> buffer{};
        for (std::size_t i = first; i < layers_.size(); ++i) {
            const std::unique_ptr<ByteSource> source = memory_source(layers_[i].end());
            TarReader tar(*source);
            out.apply([&](LayerEntry& entry) {
                TarEntry header;
                if (!tar.next(header)) return false;
                entry = read_layer_entry(tar, header, nullptr, buffer);
                return true;
            });
        }
        return out;
    }
    /// Nothing for what is refused.
    [[nodiscard]] std::optional<FileTree> all(PackWriter& pack) const {
        try {
            LayerStack stack;
            for (const RawTar& layer : layers_) {
                const std::unique_ptr<ByteSource> source = memory_source(layer.end());
                TarReader tar(*source);
                stack.apply(tar, "layer", pack);
            }
            return stack.take_tree();
        } catch (const Error&) {
            return std::nullopt;
        }
    }

private:
    std::vector<RawTar> layers_;
};

/// Takes bytes that nobody asks for.
struct Nowhere {
    TempDir dir;
    PackWriter pack = ContentStore(dir.path()).write_pack({});
};

/// Entries of few names, so that they meet each other.
class Chance {
public:
    explicit Chance(unsigned seed) : random_(seed) {}

    /// A lowest layer with links, through which entries above land somewhere else.
    RawTar lowest() {
        RawTar out;
        for (std::size_t i = pick(3); i > 0; --i) out.link(name(), target());
        return out.file(path(), "base").file(path(), "base");
    }

    RawTar layer() {
        RawTar out;
        const std::size_t count = 1 + pick(5);
        for (std::size_t i = 0; i < count; ++i) {
            std::string name = path();
            // As tools write layers: mostly with the directories above.
            if (pick(3) != 0) add_parents(out, name);
            switch (pick(9)) {
                case 0: out.dir(name); break;
                case 1: out.link(name, target()); break;
                case 2: out.hard_link(name, path()); break;
                case 3: out.file(whiteout_of(name), ""); break;
                case 4: out.file(directory_of(name) + ".wh..wh..opq", ""); break;
                case 5: out.add({name, '6'}); break;
                default: out.file(name, std::string(1, static_cast<char>('0' + pick(10))));
            }
        }
        return out;
    }

    std::string path() {
        std::string out = name();
        while (pick(2) == 0) out += "/" + name();
        return out;
    }

private:
    std::size_t pick(std::size_t count) { return random_() % count; }
    std::string name() { return std::string(1, static_cast<char>('a' + pick(3))); }
    std::string target() {
        const std::string plain = path();
        switch (pick(3)) {
            case 0: return "/" + plain;
            case 1: return "../" + plain;
            default: return plain;
        }
    }
    static std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }
    static std::string whiteout_of(const std::string& path) {
        return directory_of(path) + ".wh." + path.substr(path.rfind('/') + 1);
    }
    static void add_parents(RawTar& out, const std::string& path) {
        for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
            out.dir(path.substr(0, at));
        }
    }

    std::mt19937 random_;
};

std::vector<std::string> all_paths() {
    std::vector<std::string> out;
    for (const char* a : {"/a", "/b", "/c"}) {
        out.emplace_back(a);
        for (const char* b : {"/a", "/b", "/c"}) {
            out.push_back(std::string(a) + b);
            for (const char* c : {"/a", "/b", "/c"}) out.push_back(std::string(a) + b + c);
        }
    }
    return out;
}

Certainty certainty(const std::vector<RawTar>& layers, const char* path) {
    return TestLayers(layers).upper(0).find(ImagePath::parse(path)).certainty;
}

/// The lines of `a` that `b` has not, and the other way round.
std::string differences(const FileTree& a, const FileTree& b) {
    std::string out;
    for (const auto* one : {&a, &b}) {
        const FileTree& other = one == &a ? b : a;
        for (const auto& [path, entry] : one->entries()) {
            const Entry* there = other.find(path);
            if (there == nullptr || there->node != entry.node) out += (one == &a ? "-" : "+") + path.str() + " ";
        }
    }
    return out;
}

}  // namespace

TEST_CASE("what upper layers say of a path is what all layers say", "[upper_layers]") {
    Nowhere nowhere;
    std::size_t decided = 0;
    std::size_t asked = 0;
    for (unsigned seed = 0; seed < 4000; ++seed) {
        Chance chance(seed);
        std::vector<RawTar> made(2 + seed % 3);
        for (RawTar& layer : made) layer = &layer == &made.front() ? chance.lowest() : chance.layer();
        const std::size_t count = made.size();
        const TestLayers layers(std::move(made));
        const std::optional<FileTree> all = layers.all(nowhere.pack);
        if (!all) continue;
        for (std::size_t first = 1; first < count; ++first) {
            const UpperLayers upper = layers.upper(first);
            for (const std::string& path : all_paths()) {
                const UpperLayers::Answer answer = upper.find(ImagePath::parse(path));
                ++asked;
                if (answer.certainty == Certainty::unknown) continue;
                ++decided;
                const Entry* expected = all->resolve(ImagePath::parse(path)).entry;
                INFO("seed " << seed << ", layers from " << first << ", " << path << "\n" << dump(*all));
                REQUIRE((answer.certainty == Certainty::there) == (expected != nullptr));
                if (expected != nullptr) REQUIRE(answer.entry->node == expected->node);
            }
        }
    }
    // Not because it never says anything.
    CHECK(decided * 12 > asked);
}

TEST_CASE("upper layers that say how two images differ say what all layers say", "[upper_layers]") {
    Nowhere nowhere;
    std::size_t decided = 0;
    for (unsigned seed = 0; seed < 3000; ++seed) {
        Chance chance(seed);
        const RawTar base = chance.lowest();
        RawTar first = chance.layer();
        RawTar second = chance.layer();
        // Mostly the same names with other bytes, as of an application that is built again.
        if (seed % 2 == 0) second = RawTar(first).file("a/b", "new"), first.file("a/b", "old");
        const TestLayers a({base, first});
        const TestLayers b({base, second});
        const UpperLayers upper_a = a.upper(1);
        const UpperLayers upper_b = b.upper(1);
        if (!UpperLayers::differ_as_their_trees(upper_a, upper_b)) continue;
        const std::optional<FileTree> all_a = a.all(nowhere.pack);
        const std::optional<FileTree> all_b = b.all(nowhere.pack);
        if (!all_a || !all_b) continue;
        ++decided;
        INFO("seed " << seed << "\n" << dump(*all_a) << "and\n" << dump(*all_b));
        REQUIRE(differences(upper_a.tree(), upper_b.tree()) == differences(*all_a, *all_b));
    }
    CHECK(decided > 100);
}

TEST_CASE("a file is certain when all directories above it came with it", "[upper_layers]") {
    CHECK(certainty({RawTar().dir("a").file("a/b")}, "/a/b") == Certainty::there);
    // Below, /a may be a link, and the file somewhere else.
    CHECK(certainty({RawTar().file("a/b")}, "/a/b") == Certainty::unknown);
    CHECK(certainty({RawTar().dir("a").file("a/b"), RawTar().file("c/d")}, "/a/b") == Certainty::there);
    CHECK(certainty({RawTar().dir("a").file("a/b"), RawTar().file("c/b")}, "/a/b") == Certainty::unknown);
    CHECK(certainty({RawTar().dir("a").file("a/b"), RawTar().file("c/.wh.a", "")}, "/a/b") == Certainty::unknown);
}

TEST_CASE("what is hidden is certainly not there", "[upper_layers]") {
    CHECK(certainty({RawTar().dir("a").file("a/.wh.b", "")}, "/a/b") == Certainty::absent);
    CHECK(certainty({RawTar().dir("a").file("a/.wh.b", "")}, "/a/b/c") == Certainty::absent);
    CHECK(certainty({RawTar().dir("a").file("a/.wh..wh..opq", "")}, "/a/b") == Certainty::absent);
    CHECK(certainty({RawTar().dir("a").file("a/.wh.b", "")}, "/a/c") == Certainty::unknown);
    CHECK(certainty({RawTar().file("a")}, "/a/b") == Certainty::unknown);  // as open(2): ENOTDIR, which nobody asks for
    CHECK(certainty({RawTar().file("a"), RawTar().dir("a")}, "/a/b") == Certainty::absent);
}

TEST_CASE("a hard link is certain when its target is", "[upper_layers]") {
    CHECK(certainty({RawTar().file("a").hard_link("b", "a")}, "/b") == Certainty::there);
    CHECK(certainty({RawTar().hard_link("b", "a")}, "/b") == Certainty::unknown);
}

TEST_CASE("a link is followed as far as the layers know the way", "[upper_layers]") {
    CHECK(certainty({RawTar().link("l", "d/f").dir("d").file("d/f")}, "/l") == Certainty::there);
    CHECK(certainty({RawTar().link("l", "d/f")}, "/l") == Certainty::unknown);
    CHECK(certainty({RawTar().link("l", "l")}, "/l") == Certainty::unknown);
}

TEST_CASE("what a stack of layers would refuse makes nothing certain", "[upper_layers][hostile]") {
    const RawTar file = RawTar().file("a");
    CHECK(certainty({file, RawTar().file("../b")}, "/a") == Certainty::unknown);
    CHECK(certainty({file, RawTar().file(".wh.", "")}, "/a") == Certainty::unknown);
    CHECK(certainty({file, RawTar().hard_link("b", "/")}, "/a") == Certainty::unknown);
    CHECK(certainty({file, RawTar().file("a/b")}, "/a") == Certainty::unknown);
    CHECK(certainty({file, RawTar().link("/", "x")}, "/a") == Certainty::unknown);
}
