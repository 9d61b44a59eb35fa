/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* What must hold for every input. */
#define FUZZ_CHECK(condition) \
  do { \
    if (!(condition)) \
      abort (); \
  } while (0)
