// SPDX-License-Identifier: Apache-2.0
//
// What is made of metadata and kept: that it says the same as the metadata, and that damage is noticed.
#include <catch2/catch.hpp>

#include "resolver/file_answers.h"
#include "resolver/package_pool.h"
#include "resolver/sealed_file.h"
#include "resolver/solv_cache.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;

namespace {

const Checksum kMetadata{"sha256", std::string(64, 'a')};

void seal(const std::filesystem::path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(std::as_bytes(std::span(text.data(), text.size())));
    commit_sealed(file);
}

std::filesystem::path only_file_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) found.push_back(entry.path());
    REQUIRE(found.size() == 1);
    return found.front();
}

/// Every package of `pool` with what it requires, as text.
std::string dump(const PackagePool& pool) {
    std::string out;
    for (const Id id : pool.packages()) {
        out += pool.name_of(id);
        const ::Solvable* solvable = pool_id2solvable(pool.raw(), id);
        const Id* dep = solvable->repo->idarraydata + solvable->dep_requires;
        for (; solvable->dep_requires != 0 && *dep != 0; ++dep) out += " " + dependency_of(pool.raw(), *dep);
        out += "\n";
    }
    return out;
}

std::string dump_of_scenario(const SolvCache& cache) {
    PackagePool pool("x86_64");
    RepoConfig config;
    config.id = "rich";
    pool.add_testtags(config, test::read(std::filesystem::path(SMITH_TEST_REPOS) / "rich.repo"));
    pool.prepare();
    cache.store(pool.raw()->repos[1], silent_reporter());
    return dump(pool);
}

/// What loading says, "" when it refuses.
std::string dump_of_cache(const SolvCache& cache) {
    PackagePool pool("x86_64");
    if (!cache.load(repo_create(pool.raw(), "rich"))) {
        CHECK(pool.packages().empty());
        return {};
    }
    return dump(pool);
}

WantedFiles paths(std::set<std::string, std::less<>> wanted) { return {std::move(wanted), {}}; }

}  // namespace

TEST_CASE("a sealed file is read back whole, and not at all when one bit or byte is missing", "[cache]") {
    const test::TempDir folder;
    const auto path = folder / "file";
    CHECK_FALSE(read_sealed(path));
    seal(path, "what was known");
    CHECK(read_sealed(path) == "what was known");

    const std::string whole = test::read(path);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        test::write(path, whole.substr(0, size));
        CHECK_FALSE(read_sealed(path));
    }
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        std::string flipped = whole;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        test::write(path, flipped);
        CHECK_FALSE(read_sealed(path));
    }
    seal(path, "");
    CHECK(read_sealed(path) == "");
}

TEST_CASE("what libsolv made of metadata is read back as it was", "[cache]") {
    const test::TempDir folder;
    const SolvCache cache(folder.path(), kMetadata);
    CHECK(dump_of_cache(cache).empty());
    const std::string expected = dump_of_scenario(cache);
    CHECK(test::contains(expected, "plugin-gtk"));
    CHECK(dump_of_cache(cache) == expected);
    CHECK(dump_of_cache(SolvCache(folder.path(), {"sha256", std::string(64, 'b')})).empty());
}

TEST_CASE("a damaged .solv file never reaches libsolv", "[cache]") {
    const test::TempDir folder;
    const SolvCache cache(folder.path(), kMetadata);
    static_cast<void>(dump_of_scenario(cache));
    const auto path = only_file_in(folder.path());
    const std::string whole = test::read(path);
    for (std::size_t at = 0; at < whole.size(); at += 7) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
        test::write(path, damaged);
        CHECK(dump_of_cache(cache).empty());
        test::write(path, whole.substr(0, at));
        CHECK(dump_of_cache(cache).empty());
    }
}

TEST_CASE("what is sealed and is no .solv file leaves the repository empty", "[cache]") {
    const test::TempDir folder;
    const SolvCache cache(folder.path(), kMetadata);
    static_cast<void>(dump_of_scenario(cache));
    seal(only_file_in(folder.path()), "SOLV and nothing of the kind");
    CHECK(dump_of_cache(cache).empty());
}

TEST_CASE("who has a file is asked once, also when nobody has it", "[cache]") {
    const test::TempDir folder;
    const WantedFiles wanted{{"/usr/share/words", "/nowhere"}, {"*/words"}};
    {
        FileAnswers answers(folder.path(), kMetadata);
        CHECK(answers.unknown(wanted).paths == wanted.paths);
        CHECK(answers.unknown(wanted).globs == wanted.globs);
        answers.add(wanted, {{"aa", "/usr/share/words"}, {"bb", "/opt/words"}}, silent_reporter());
    }
    const FileAnswers answers(folder.path(), kMetadata);
    CHECK(answers.unknown(wanted).empty());
    CHECK(answers.known(paths({"/usr/share/words"})).size() == 1);
    CHECK(answers.known(paths({"/usr/share/words"})).front().package_checksum == "aa");
    CHECK(answers.known(paths({"/nowhere"})).empty());
    CHECK(answers.known({{}, {"*/words"}}).size() == 2);
    CHECK(answers.unknown(paths({"/else"})).paths == paths({"/else"}).paths);
    CHECK(FileAnswers(folder.path(), {"sha256", std::string(64, 'b')}).unknown(wanted).paths == wanted.paths);
}

TEST_CASE("answers that are damaged, or of another shape, are asked for again", "[cache]") {
    const test::TempDir folder;
    const WantedFiles wanted = paths({"/usr/share/words"});
    FileAnswers(folder.path(), kMetadata).add(wanted, {{"aa", "/usr/share/words"}}, silent_reporter());
    const auto path = only_file_in(folder.path());
    std::string damaged = test::read(path);
    damaged[3] = static_cast<char>(damaged[3] ^ 1);
    test::write(path, damaged);
    CHECK(FileAnswers(folder.path(), kMetadata).unknown(wanted).paths == wanted.paths);
    for (const char* text : {"[]", "{\"/usr/share/words\": [1]}", "{\"/usr/share/words\": [[]]}", "no JSON"}) {
        seal(path, text);
        CHECK(FileAnswers(folder.path(), kMetadata).unknown(wanted).paths == wanted.paths);
    }
}
