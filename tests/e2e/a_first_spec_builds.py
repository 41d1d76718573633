#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `smith init` prints is a spec that builds: for a package its programs, for an image that very image again; and
`smith convert` makes of an image what that spec makes."""
import json
import os

from e2e import build, build_args, repo_file, scratch, smith, spec, step, write


def digest_of(reference, cache):
    return json.loads(smith("inspect", reference, "--json", "--cache-dir", cache).out)["digest"]


def main():
    with scratch() as folder:
        def at(name):
            return os.path.join(folder, name)

        cache = ("--cache-dir", at("cache"))

        step("for a package: its programs, and how its unit starts it")
        first = smith("init", "redis-server", "--repo-file", repo_file(), *cache).out
        assert '"/usr/bin/redis-server"' in first and 'entrypoint: ["/usr/bin/redis-server", ' in first, first
        build(write(at("redis.yaml"), first), at("redis"), cache=at("cache"))
        listed = smith("ls", "oci:" + at("redis"), *cache).out.splitlines()
        assert "/usr/bin/redis-server" in listed and any("libc.so.6" in path for path in listed), listed

        step("for an image: what its command names, and the image's own configuration")
        smith(*build_args(spec("nginx"), at("nginx"), "--no-test", cache=at("cache")))
        source = "oci:" + at("nginx")
        text = smith("init", source, *cache).out
        assert 'entrypoint: ["/usr/sbin/nginx"]' in text and '"8080/tcp"' in text, text
        smith("build", write(at("again.yaml"), text), "-o", "oci:" + at("again"), *cache)
        smith("convert", source, "oci:" + at("converted"), *cache)
        assert digest_of("oci:" + at("again"), at("cache")) == digest_of("oci:" + at("converted"), at("cache"))


if __name__ == "__main__":
    main()
