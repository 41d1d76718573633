#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A key in a PKCS#11 token signs, and never leaves it. Needs softhsm2 and libengine-pkcs11-openssl; skipped without."""
import glob

from e2e import USAGE, build, need_tools, run, scratch, skip, smith, spec, step, write


def main():
    need_tools("openssl", "softhsm2-util")
    if not glob.glob("/usr/lib/*/engines-3/pkcs11.so"):
        skip("not installed: libengine-pkcs11-openssl")
    with scratch() as folder:
        token = {"SOFTHSM2_CONF": write(folder + "/hsm/softhsm2.conf", "directories.tokendir = %s/hsm\n" % folder)}
        run(["softhsm2-util", "--init-token", "--free", "--label", "smith", "--so-pin", "4321", "--pin", "1234"], env=token)
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", folder + "/key"])
        run(["openssl", "pkey", "-in", folder + "/key", "-pubout", "-out", folder + "/pub"])
        run(["softhsm2-util", "--import", folder + "/key", "--token", "smith", "--label", "release", "--id", "01",
             "--pin", "1234"], env=token)
        build(spec("busybox"), folder + "/app", "--no-test", cache=folder + "/cache")
        uri, image = "pkcs11:token=smith;object=release", "oci:%s/app" % folder
        step("with the PIN")
        smith("sign", image, "--key", uri + ";type=private", env=dict(token, SMITH_KEY_PASSWORD="1234"))
        smith("verify", image, "--key", folder + "/pub", "--cache-dir", folder + "/cache")
        step("and with no other, and no other key")
        smith("sign", image, "--key", uri + ";type=private", env=dict(token, SMITH_KEY_PASSWORD="0000"), status=USAGE)
        refused = smith("sign", image, "--key", "pkcs11:token=smith;object=none;type=private",
                        env=dict(token, SMITH_KEY_PASSWORD="1234"), status=USAGE)
        assert "no token has that key" in refused.err, refused


if __name__ == "__main__":
    main()
