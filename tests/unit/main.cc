// SPDX-License-Identifier: Apache-2.0
//
// Catch2's main, compiled once: it is slow, and each module's tests are a program of their own.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
