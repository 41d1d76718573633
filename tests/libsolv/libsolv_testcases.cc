// SPDX-License-Identifier: Apache-2.0
//
// libsolv's own test cases (github.com/openSUSE/libsolv, test/testcases), as far as they are about what we ask of it:
// installing packages of rpm repositories into an empty root. Each goes through our own solve_in_pool(), as words of a
// request, so that it is our jobs, flags and priorities which are held to libsolv's idea of the right answer.
//
//     libsolv_testcases FOLDER    a line for each that does not apply, with the reason, and for each failure; then the
//     sum
//
// The files are not ours to keep: meson test runs this where SMITH_LIBSOLV_TESTCASES names a checkout's folder.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/http.h"
#include "resolver/solve_pool.h"

extern "C" {
#include <solv/solvversion.h>
}

using namespace smith;
using namespace smith::resolver;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

/// Why a test case says nothing about us.
struct DoesNotApply {
    std::string why;
};

struct TestRepo {
    RepoConfig config;
    std::string packages;  // in libsolv's text format
};

/// One "job ... result" of a file: a file may have several, on the same repositories.
struct TestStep {
    std::vector<Words> jobs;
    std::set<std::string> flags;
    std::optional<std::set<std::string>> installs;
    bool has_problem = false;
};

struct TestFile {
    std::vector<TestRepo> repos;
    std::string arch = "unset";
    std::string installed;  // the repository that stands for the system
    std::vector<TestStep> steps;
};

Words split(const std::string& line) {
    std::istringstream in(line);
    Words out;
    for (std::string word; in >> word;) out.push_back(word);
    return out;
}

class Reader {
public:
    explicit Reader(const fs::path& file) : folder_(file.parent_path()) {
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);) lines_.push_back(line);
    }

    TestFile read() {
        TestFile out;
        out.steps.emplace_back();
        while (at_ < lines_.size()) {
            const std::string line = lines_[at_++];
            const Words words = split(line);
            try {
                if (!words.empty() && !words[0].starts_with('#')) read_line(words, out);
            } catch (const std::out_of_range&) {
                throw DoesNotApply{"a line that is not understood: " + line};
            }
        }
        return out;
    }

private:
    void read_line(const Words& words, TestFile& out) {
        const std::string& what = words[0];
        if (what == "repo") {
            read_repo(words, out);
        } else if (what == "system") {
            out.arch = words.at(1);
            if (words.at(2) == "deb") throw DoesNotApply{"Debian's versions"};
            if (words.size() > 3) out.installed = words[3];
        } else if (what == "job") {
            out.steps.back().jobs.emplace_back(words.begin() + 1, words.end());
        } else if (what == "solverflags" || what == "poolflags") {
            out.steps.back().flags.insert(words.begin() + 1, words.end());
        } else if (what == "result") {
            read_result(words, out.steps.back());
        } else if (what == "nextjob") {
            std::set<std::string> flags = out.steps.back().flags;
            out.steps.emplace_back();
            out.steps.back().flags = std::move(flags);
            if (words.size() > 1) throw DoesNotApply{"jobs that are added to those of before"};
        } else if (what == "genid") {
            throw DoesNotApply{"how dependencies are written, not solving"};
        } else if (what != "feature") {
            throw DoesNotApply{"'" + what + "'"};
        }
    }

    /// What follows as "#>..." lines, or stands in a file of this name.
    std::string text_of(const std::string& where) {
        std::string out;
        if (where != "<inline>") {
            std::ifstream in(folder_ / where);
            std::ostringstream text;
            text << in.rdbuf();
            return text.str();
        }
        while (at_ < lines_.size() && lines_[at_].starts_with("#>")) out += lines_[at_++].substr(2) + "\n";
        return out;
    }

    void read_repo(const Words& words, TestFile& out) {
        TestRepo repo;
        repo.config.id = words.at(1);
        const std::string& priority = words.at(2);
        repo.config.priority = -std::atoi(priority.c_str());
        repo.config.cost = 0;
        if (const std::size_t dot = priority.find('.'); dot != std::string::npos)
            repo.config.cost = -std::atoi(priority.c_str() + dot + 1);
        if (words.at(3) == "testtags") {
            repo.packages = text_of(words.at(4));
        } else if (words[3] != "empty") {
            throw DoesNotApply{"a repository of type " + words[3]};
        }
        out.repos.push_back(std::move(repo));
    }

    void read_result(const Words& words, TestStep& step) {
        std::istringstream text(text_of(words.at(2)));
        if (words[1].find("transaction") == std::string::npos) return;
        step.installs.emplace();
        for (std::string line; std::getline(text, line);) {
            const Words result = split(line);
            if (result.empty()) continue;
            if (result[0] == "install") step.installs->insert(result.at(1));
            if (result[0] == "problem") step.has_problem = true;
        }
    }

    fs::path folder_;
    std::vector<std::string> lines_;
    std::size_t at_ = 0;
};

/// "A-1-1.noarch@available" as a PackageRef.
PackageRef ref_of(const std::string& text) {
    const std::size_t at = text.rfind('@');
    PackageRef out;
    out.repo = at == std::string::npos ? "" : text.substr(at + 1);
    try {
        out.nevra = Nevra::parse(text.substr(0, at));
    } catch (const Error&) {
        throw DoesNotApply{"'" + text + "', which has no release"};
    }
    return out;
}

/// Every package called `name`, out of "=Pkg: NAME VERSION RELEASE ARCH".
std::vector<PackageRef> packages_called(const std::string& name, const TestFile& file) {
    std::vector<PackageRef> out;
    for (const TestRepo& repo : file.repos) {
        std::istringstream text(repo.packages);
        for (std::string line; std::getline(text, line);) {
            const Words words = split(line);
            if (words.size() != 5 || words[0] != "=Pkg:" || words[1] != name) continue;
            out.push_back(ref_of(words[1] + "-" + words[2] + "-" + words[3] + "." + words[4] + "@" + repo.config.id));
        }
    }
    return out;
}

void add_job(const Words& job, const TestFile& file, Request& request) {
    const std::string& verb = job.at(0);
    const std::string selection = job.size() > 1 ? job[1] : "";
    if (verb == "favor" && selection == "pkg") {
        request.keep.push_back(ref_of(job.at(2)));
        return;
    }
    if (verb == "favor" && selection == "name" && job.size() == 3) {
        for (PackageRef& package : packages_called(job[2], file)) request.keep.push_back(std::move(package));
        return;
    }
    if (verb != "install") throw DoesNotApply{"job '" + verb + "', which smith has no word for"};
    std::string what = job.at(2);
    for (std::size_t i = 3; i < job.size(); ++i) {
        if (job[i] == "[forcebest]") {
            request.best = true;
        } else if (job[i].starts_with('[')) {
            throw DoesNotApply{"a job that is " + job[i]};
        } else {
            what += " " + job[i];
        }
    }
    if (selection == "pkg") {
        what = ref_of(what).nevra.str();
    } else if (selection != "name" && selection != "provides") {
        throw DoesNotApply{"a selection by '" + selection + "'"};
    }
    request.packages.push_back(what);
}

Request request_of(const TestStep& step, const TestFile& file) {
    // Flags that say what is so with us in any case, or that change nothing in an empty root.
    static const std::set<std::string> kHarmless{"allowvendorchange", "implicitobsoleteusescolors",
                                                 "bestobeypolicy",    "yumobsoletes",
                                                 "urpmreorder",       "keepexplicitobsoletes"};
    Request out;
    out.arch = file.arch == "unset" ? "x86_64" : file.arch;
    out.weak = true;
    out.best = false;
    for (const std::string& flag : step.flags) {
        if (flag == "ignorerecommended")
            out.weak = false;
        else if (!kHarmless.contains(flag))
            throw DoesNotApply{"flag '" + flag + "', which smith does not set"};
    }
    for (const Words& job : step.jobs) add_job(job, file, out);
    if (out.packages.empty()) throw DoesNotApply{"nothing to install"};
    return out;
}

std::set<std::string> solve_with_smith(const TestFile& file, const Request& request) {
    PackagePool pool(request.arch);
    for (const TestRepo& repo : file.repos) {
        if (!repo.packages.empty()) pool.add_testtags(repo.config, repo.packages);
    }
    HttpClient http;
    std::set<std::string> out;
    for (const PackageRef& package : solve_in_pool(request, pool, http, silent_reporter()).packages)
        out.insert(package.nevra.str() + "@" + package.repo);
    return out;
}

std::string join(const std::set<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += " " + name;
    return out;
}

/// "" when it is as it should be.
std::string check(const TestFile& file, const TestStep& step) {
    if (!step.installs) throw DoesNotApply{"rules, jobs or proofs of libsolv's own, not which packages"};
    for (const TestRepo& repo : file.repos) {
        if (repo.config.id == file.installed && !repo.packages.empty())
            throw DoesNotApply{"a system that has packages already"};
    }
    const Request request = request_of(step, file);
    try {
        const std::set<std::string> chosen = solve_with_smith(file, request);
        if (step.has_problem) return "chose" + join(chosen) + " where there is a problem";
        return chosen == *step.installs ? "" : "chose" + join(chosen) + ", expected" + join(*step.installs);
    } catch (const Error& e) {
        return step.has_problem && e.kind() == ErrorKind::resolve ? "" : "refused: " + e.message();
    }
}

/// Where another answer than libsolv's is the right one, or the only one to be had; nothing for all others.
std::optional<std::string> explanation(const std::string& step) {
    static const std::map<std::string, std::string> kDifferences{
        {"favor/requires.t, step 3", "what smith favors is what a lock has, which has no order"},
        {"lockstep/lockstep_install.t, step 1",
         "as with dnf, whoever asks for a package has decided on its architecture (SOLVER_SETARCH)"}};
    // A package that comes in by "Recommends: (a if (b else c))" has its own requirements forgotten.
    const bool is_old = solv_version_major == 0 && solv_version_minor == 7 && solv_version_patch < 25;
    if (is_old && step == "cplxdeps/ifelse_rec.t, step 1") return "a bug that libsolv 0.7.25 mended";
    const auto found = kDifferences.find(step);
    return found == kDifferences.end() ? std::nullopt : std::optional(found->second);
}

struct Sum {
    unsigned passed = 0;
    unsigned failed = 0;
    unsigned explained = 0;
    unsigned do_not_apply = 0;
};

/// `wrong`: what is wrong with the answer; "" for nothing. An explanation of what is right is as bad as a difference.
void count(const std::string& step, const std::string& wrong, Sum& sum) {
    const std::optional<std::string> why = explanation(step);
    if (wrong.empty() && !why) {
        ++sum.passed;
    } else if (!wrong.empty() && why) {
        ++sum.explained;
        std::cout << step << ": differs: " << *why << "\n";
    } else {
        ++sum.failed;
        std::cout << step << ": FAILED: " << (wrong.empty() ? "is no difference any more" : wrong) << "\n";
    }
}

void run_file(const fs::path& file, const std::string& name, Sum& sum) {
    std::size_t number = 0;
    const auto inapplicable = [&](const DoesNotApply& reason) {
        ++sum.do_not_apply;
        std::cout << name << ": does not apply: " << reason.why << "\n";
    };
    try {
        const TestFile test = Reader(file).read();
        for (const TestStep& step : test.steps) {
            ++number;
            try {
                count(name + ", step " + std::to_string(number), check(test, step), sum);
            } catch (const DoesNotApply& reason) {
                inapplicable(reason);
            }
        }
    } catch (const DoesNotApply& reason) {
        inapplicable(reason);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const char* folder = argc > 1 ? argv[1] : std::getenv("SMITH_LIBSOLV_TESTCASES");
    if (folder == nullptr || *folder == '\0') {
        std::cout << "skipped: SMITH_LIBSOLV_TESTCASES names no folder; get github.com/openSUSE/libsolv, and take its "
                     "test/testcases\n";
        return 77;
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.path().extension() == ".t") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    Sum sum;
    for (const fs::path& file : files) run_file(file, file.lexically_relative(folder).string(), sum);
    std::cout << sum.passed << " passed, " << sum.failed << " failed, " << sum.explained << " differ, "
              << sum.do_not_apply << " do not apply, in " << files.size() << " files\n";
    return sum.failed == 0 && sum.passed > 0 ? 0 : 1;
}
