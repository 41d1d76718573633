// SPDX-License-Identifier: Apache-2.0
#include "runtime/mount_options.h"

#include <linux/mount.h>

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smith::runtime {

TEST_CASE("options become attributes, and what is left is the file system's", "[mounts]") {
    const MountOptions options =
        decode_mount_options({"nosuid", "noexec", "ro", "size=64m", "mode=755", "newinstance", "defaults"});
    CHECK(options.set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY));
    CHECK(options.clear == 0);
    CHECK_FALSE(options.bind);
    CHECK(options.data == std::vector<FileSystemOption>{{"size", "64m"}, {"mode", "755"}, {"newinstance", {}}});
}

TEST_CASE("of options that contradict each other the last one holds", "[mounts]") {
    CHECK(decode_mount_options({"ro", "rw"}).set == 0);
    CHECK(decode_mount_options({"ro", "rw"}).clear == MOUNT_ATTR_RDONLY);
    CHECK(decode_mount_options({"rw", "ro"}).set == MOUNT_ATTR_RDONLY);
    CHECK(decode_mount_options({"rw", "ro"}).clear == 0);
}

TEST_CASE("the kinds of atime exclude each other", "[mounts]") {
    const MountOptions options = decode_mount_options({"noatime", "strictatime"});
    CHECK(options.set == MOUNT_ATTR_STRICTATIME);
    // mount_setattr takes a new kind only from who clears the whole field.
    CHECK((options.clear & MOUNT_ATTR__ATIME) == MOUNT_ATTR__ATIME);
}

TEST_CASE("an r in front means everything below too", "[mounts]") {
    const MountOptions options = decode_mount_options({"rbind", "rro", "rnosuid", "rslave"});
    CHECK(options.bind);
    CHECK(options.recursive_bind);
    CHECK(options.set == 0);
    CHECK(options.recursive_set == (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID));
    CHECK(options.recursive_propagation);
    CHECK(decode_mount_options({"relatime"}).recursive_set == 0);
    CHECK(decode_mount_options({"rprivate"}).recursive_propagation);
    CHECK_FALSE(decode_mount_options({"private"}).recursive_propagation);
}

TEST_CASE("what is more than an attribute is told apart from what is the file system's", "[mounts]") {
    const MountOptions options = decode_mount_options(
        {"remount", "tmpcopyup", "ridmap", "dirsync", "iversion", "nomand", "silent", "nr_inodes=5"});
    CHECK(options.remount);
    CHECK(options.copy_up);
    CHECK(options.map_ids);
    CHECK(options.recursive_map_ids);
    CHECK_FALSE(options.bind);
    CHECK(options.data == std::vector<FileSystemOption>{{"dirsync", std::nullopt}, {"nr_inodes", "5"}});
}

}  // namespace smith::runtime
