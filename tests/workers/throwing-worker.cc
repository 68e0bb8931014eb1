/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker in C++, whose function "throw" has an exception that nobody catches. */

#include <ferry.h>
#include <stdexcept>

namespace decoder
{
class Header
{
public:
  __attribute__ ((noinline)) void parse (const char *text)
  {
    throw std::runtime_error (text);
  }
};
}

static GVariant *
throw_it (FerryJob *, GVariant *, GError **)
{
  decoder::Header header;

  header.parse ("no header");
  return nullptr;
}

int
main (int argc, char **argv)
{
  ferry_function_register ("throw", nullptr, nullptr, throw_it);
  ferry_worker_main (&argc, &argv);
  return 4;
}
