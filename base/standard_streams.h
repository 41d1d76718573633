// SPDX-License-Identifier: Apache-2.0
//
// What every program of ours does first about descriptors 0, 1 and 2.
#pragma once

namespace smith {

/// Call first in main(). Makes sure that descriptors 0 to 2 are open, so that no file of ours gets one of these numbers
/// and a message with it; writing to a standard output that was closed fails as it should. SIGPIPE and SIGXFSZ do
/// nothing afterwards, here: what they are about is an error of write(2). Programs that are started have them as usual.
void prepare_standard_streams();

}  // namespace smith
