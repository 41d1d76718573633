// SPDX-License-Identifier: Apache-2.0
//
// A repository made of a few lines of XML, for tests of what is made of metadata.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <utility>

#include "base/digest.h"
#include "resolver/repo_config.h"
#include "tests/unit/resolver/support.h"

namespace smith::test {

/// A <package> of primary.xml. `more` goes into its <format>.
[[nodiscard]] inline std::string package_xml(const std::string& name, const std::string& more,
                                             const std::string& location = "", const std::string& bytes = "rpm") {
    return "<package type=\"rpm\"><name>" + name +
           "</name><arch>noarch</arch><version epoch=\"0\" ver=\"1\" rel=\"1\"/>" +
           "<checksum type=\"sha256\" pkgid=\"YES\">" + sha256(name + bytes).hex() + "</checksum><size package=\"" +
           std::to_string((name + bytes).size()) + "\"/><location href=\"" +
           (location.empty() ? "Packages/" + name + ".rpm" : location) +
           "\"/><format><rpm:provides><rpm:entry name=\"" + name +
           "\" flags=\"EQ\" epoch=\"0\" ver=\"1\" rel=\"1\"/></rpm:provides>" + more + "</format></package>";
}
[[nodiscard]] inline std::string requires_xml(const std::string& what) {
    return "<rpm:requires><rpm:entry name=\"" + what + "\"/></rpm:requires>";
}

/// A repository in a folder. Packages are their name and "rpm": nobody reads them here.
class TinyRepo {
public:
    explicit TinyRepo(std::filesystem::path root) : root_(std::move(root)) {}
    TinyRepo& add(const std::string& name, const std::string& more = "", const std::string& location = "") {
        packages_ += package_xml(name, more, location);
        test::write(root_ / "Packages" / (name + ".rpm"), name + "rpm");
        return *this;
    }
    TinyRepo& add_file(const std::string& package, const std::string& path) {
        files_ += "<package pkgid=\"" + sha256(package + "rpm").hex() + "\" name=\"" + package +
                  "\" arch=\"noarch\"><version epoch=\"0\" ver=\"1\" rel=\"1\"/><file>" + path + "</file></package>";
        return *this;
    }
    /// The groups, as comps.xml has them.
    TinyRepo& add_groups(std::string comps) {
        groups_ = std::move(comps);
        return *this;
    }
    /// `prologue` goes in front of primary.xml's root element.
    void finish(const std::string& compress = "cat", const std::string& prologue = "") {
        const std::string primary = "<?xml version=\"1.0\"?>" + prologue +
                                    "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" "
                                    "xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">" +
                                    packages_ + "</metadata>";
        const std::string filelists = "<?xml version=\"1.0\"?><filelists>" + files_ + "</filelists>";
        repomd_ = "<repomd><revision>1</revision>";
        repomd_ += store("primary", primary, compress) + store("filelists", filelists, compress);
        if (!groups_.empty()) repomd_ += store("group", groups_, compress);
        repomd_ += "</repomd>";
        write_repomd(repomd_);
    }
    void write_repomd(const std::string& xml) const { test::write(root_ / "repodata/repomd.xml", xml); }
    [[nodiscard]] const std::string& repomd() const { return repomd_; }
    [[nodiscard]] resolver::RepoConfig config(const std::string& url) const {
        resolver::RepoConfig config;
        config.id = "tiny";
        config.baseurls = {url + "/"};
        config.gpgcheck = false;
        return config;
    }
    [[nodiscard]] resolver::RepoConfig config() const { return config("file://" + root_.string()); }

private:
    std::string store(const std::string& type, const std::string& xml, const std::string& compress) const {
        const std::filesystem::path file = root_ / "repodata" / type;
        test::write(file.string() + ".xml", xml);
        REQUIRE(test::run(compress + " <" + file.string() + ".xml >" + file.string()));
        const std::string stored = test::read(file);
        return "<data type=\"" + type + "\"><checksum type=\"sha256\">" + sha256(stored).hex() +
               "</checksum><open-checksum type=\"sha256\">" + sha256(xml).hex() +
               "</open-checksum><location href=\"repodata/" + type + "\"/><size>" + std::to_string(stored.size()) +
               "</size><open-size>" + std::to_string(xml.size()) + "</open-size></data>";
    }
    std::filesystem::path root_;
    std::string packages_;
    std::string files_;
    std::string groups_;
    std::string repomd_;
};

}  // namespace smith::test
