#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Writes the launcher's bytes as a C++ array, so that smith and railcar carry it with them: embed.py LAUNCHER OUT.cc
import sys

with open(sys.argv[1], "rb") as launcher:
    data = launcher.read()
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write("// SPDX-License-Identifier: Apache-2.0\n// Made by runtime/launcher/embed.py.\n")
    out.write("#include \"runtime/launcher_image.h\"\n\nnamespace smith::runtime {\n\n")
    out.write("const unsigned char kLauncherImage[] = {\n")
    for at in range(0, len(data), 20):
        out.write("    " + ", ".join(str(byte) for byte in data[at:at + 20]) + ",\n")
    out.write("};\nconst std::size_t kLauncherImageSize = sizeof kLauncherImage;\n\n}  // namespace smith::runtime\n")
